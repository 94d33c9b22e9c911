#!/usr/bin/env python3
"""vst3_faults.py BUNDLE: what ended or held up a host, or lost what a user did, with released versions of nice-plug and baseview. `vendor/README.md` has the faults and their patches.

Each check runs in a process of its own, since a fault may end it. Prints a line per check, and at the end `N passed, N failed`.
"""
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from ctypes import c_char_p, c_int32, c_void_p

from vst3_abi import ATTACHED, INVALID_ARGUMENT, OK, RELEASE, REMOVED, SET_FRAME, Frame, Handler, Module, ParameterInfo, call

BUNDLE = os.path.abspath(sys.argv[1])
LIMIT_S = 60


def a_value_set_between_blocks_is_saved(module):
    instance = module.instance()
    instance.play()
    assert instance.set("Mix", 0.25) == OK and instance.set("Divergence", 1.0) == OK
    assert instance.get("Mix") == 0.25
    saved = instance.save()
    restored = module.instance()
    assert restored.load(saved) == OK
    assert abs(restored.get("Mix") - 0.25) < 1e-6, f"Mix is {restored.get('Mix')}"
    assert restored.get("Divergence") == 1.0


def a_value_that_comes_with_a_block_replaces_one_set_before(module):
    instance = module.instance()
    instance.set("Mix", 0.25)
    instance.play({"Mix": 0.75})
    assert abs(instance.get("Mix") - 0.75) < 1e-6, f"Mix is {instance.get('Mix')}"
    assert instance.save()["params"]["mix"] == {"f32": 0.75}


def a_loaded_state_replaces_a_value_set_before(module):
    instance = module.instance()
    state = instance.save()
    instance.play()
    instance.set("Mix", 0.25)
    assert instance.load(state) == OK
    assert instance.get("Mix") == 1.0 and instance.save()["params"] == state["params"]


def a_value_set_between_blocks_is_kept_when_processing_stops(module):
    instance = module.instance()
    instance.play()
    instance.set("Mix", 0.25)
    instance.set_processing(False)
    instance.set("Gain 1", 0.25)
    instance.set_processing(True)
    instance.play()
    assert instance.get("Mix") == 0.25 and abs(instance.get("Gain 1") - 0.25) < 1e-6


def a_task_of_a_released_instance_does_not_end_the_others(module):
    """The thread that all instances share is busy with the first while the second is released with a task in the queue."""
    is_busy, may_go_on, is_told_again = threading.Event(), threading.Event(), threading.Event()

    def restarted():
        # The activation asks too, on this thread.
        if threading.current_thread() is not threading.main_thread():
            (is_told_again if is_busy.is_set() else is_busy).set()
            may_go_on.wait(LIMIT_S)

    first, second = module.instance(Handler(restarted)), module.instance()

    def play(instance, values):
        thread = threading.Thread(target=instance.play, args=[values])
        thread.start()
        thread.join()

    # Another mode has another latency, which the shared thread tells the host.
    play(first, {"Mode": 0.0})
    assert is_busy.wait(LIMIT_S), "the host was not told of the latency"
    play(second, {"Mix": 0.25})
    second.release()
    may_go_on.set()
    play(first, {"Mode": 1.0})
    assert is_told_again.wait(5), "the shared thread does nothing any more"
    first.release()


def an_instance_may_be_released_while_the_shared_thread_works_for_it(module):
    """The shared thread then holds the last reference to the instance, and so to itself."""
    is_busy, may_go_on = threading.Event(), threading.Event()

    def restarted():
        # The activation asks too, on this thread.
        if threading.current_thread() is not threading.main_thread():
            is_busy.set()
            may_go_on.wait(LIMIT_S)

    instance = module.instance(Handler(restarted))
    thread = threading.Thread(target=instance.play, args=[{"Mode": 0.0}])
    thread.start()
    thread.join()
    assert is_busy.wait(LIMIT_S), "the host was not told of the latency"
    instance.release()
    may_go_on.set()
    time.sleep(1)
    module.instance().release()


def a_parameter_beyond_the_last_is_an_invalid_argument(module):
    instance = module.instance()
    for position in (-1, len(instance.ids), len(instance.ids) + 1):
        assert instance.parameter_info(position, ParameterInfo()) == INVALID_ARGUMENT


def a_model_that_cannot_be_read_is_told_to_the_host(module):
    instance = module.instance()
    instance.set("Mix", 0.25)
    state = instance.save()
    assert instance.load(state) == OK
    state["fields"]["model"] = "12"
    instance.set("Mix", 0.75)
    assert instance.load(state) != OK
    # The rest of the state is restored all the same.
    assert abs(instance.get("Mix") - 0.25) < 1e-6


def views_leave_nothing_behind(module):
    instance, frame = module.instance(), Frame()

    def open_and_close():
        view = instance.view()
        assert call(view, SET_FRAME, c_int32, frame.pointer) == OK and len(frame.registered) == 1
        assert call(view, SET_FRAME, c_int32, c_void_p()) == OK and not frame.registered
        call(view, RELEASE, ctypes.c_uint32)

    # The first openings leave what later ones use again.
    [open_and_close() for _ in range(5)]
    files, used = files_and_kb()
    [open_and_close() for _ in range(20)]
    files_after, used_after = files_and_kb()
    assert files_after == files, f"{files} open files, then {files_after}"
    # Less than a kB each: a queue of tasks alone has 240.
    assert used_after - used < 20, f"{used} kB, then {used_after}"
    assert frame.references == 1, f"{frame.references} references to the frame are left"


def files_and_kb():
    class Malloc(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in "arena a b c mapped d e used f g".split()]

    library = ctypes.CDLL("libc.so.6")
    library.mallinfo2.restype = Malloc
    malloc = library.mallinfo2()
    return len(os.listdir("/proc/self/fd")), (malloc.used + malloc.mapped) // 1024


def changes_beside_an_open_editor_end_nothing(module):
    """A host without a run loop: what is for the editor then runs on the shared thread, which must not touch the window."""
    from screen import Screen

    screen = Screen(tempfile.gettempdir())
    x11 = screen.display.library
    x11.XCreateSimpleWindow.restype = ctypes.c_ulong
    root = x11.XDefaultRootWindow(screen.display.connection)
    place = [ctypes.c_int(0), ctypes.c_int(0), ctypes.c_uint(1200), ctypes.c_uint(780), ctypes.c_uint(0)]
    window = x11.XCreateSimpleWindow(screen.display.connection, ctypes.c_ulong(root), *place, ctypes.c_ulong(0), ctypes.c_ulong(0))
    x11.XMapWindow(screen.display.connection, ctypes.c_ulong(window))
    x11.XSync(screen.display.connection, 0)
    is_told = threading.Event()
    instance, frame = module.instance(Handler(is_told.set)), Frame(has_run_loop=False)
    is_over = threading.Event()

    def play():
        value = 0
        while not is_over.is_set():
            value += 1
            instance.play({"Mix": value % 100 / 100})

    player = threading.Thread(target=play)
    player.start()
    try:
        for _ in range(10):
            view = instance.view()
            call(view, SET_FRAME, c_int32, frame.pointer)
            assert call(view, ATTACHED, c_int32, c_void_p(window), c_char_p(b"X11EmbedWindowID")) == OK
            time.sleep(0.1)
            call(view, REMOVED, c_int32)
            call(view, SET_FRAME, c_int32, c_void_p())
            call(view, RELEASE, ctypes.c_uint32)
    finally:
        is_over.set()
        player.join()
    is_told.clear()
    thread = threading.Thread(target=instance.play, args=[{"Mode": 0.0}])
    thread.start()
    thread.join()
    assert is_told.wait(5), "the shared thread does nothing any more"
    instance.release()
    screen.close()


CHECKS = [
    a_value_set_between_blocks_is_saved,
    a_value_that_comes_with_a_block_replaces_one_set_before,
    a_loaded_state_replaces_a_value_set_before,
    a_value_set_between_blocks_is_kept_when_processing_stops,
    a_task_of_a_released_instance_does_not_end_the_others,
    an_instance_may_be_released_while_the_shared_thread_works_for_it,
    a_parameter_beyond_the_last_is_an_invalid_argument,
    a_model_that_cannot_be_read_is_told_to_the_host,
    views_leave_nothing_behind,
    changes_beside_an_open_editor_end_nothing,
]


def main():
    results = []
    for check in CHECKS:
        if check is changes_beside_an_open_editor_end_nothing and not shutil.which("Xvfb"):
            print("skipped: an open editor: on Debian, `apt install xvfb libgl1 libgl1-mesa-dri`")
            continue
        command = [sys.executable, __file__, BUNDLE, check.__name__]
        try:
            run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
            code, output = run.returncode, run.stdout
        except subprocess.TimeoutExpired:
            code, output = "did not end", ""
        # A panic on a thread of the plug-in's own does not end the process.
        is_good = code == 0 and "panicked" not in output
        results.append(is_good)
        detail = "" if is_good else f"({code})\n{output}"
        print("ok    " if is_good else "FAILED", check.__name__.replace("_", " "), detail, flush=True)
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    sys.exit(passed < len(results))


if len(sys.argv) > 2:
    next(check for check in CHECKS if check.__name__ == sys.argv[2])(Module(BUNDLE))
else:
    main()
