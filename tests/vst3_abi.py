"""The binary interface of VST3 on Linux, as far as tests need it: a plug-in's objects are called, and the host's objects are made, through tables of functions.

Other hosts in these tests stand on frameworks that decide when they call what. Here a test decides.
"""
import ctypes
import json
import os
import platform
from ctypes import POINTER, byref, c_double, c_int32, c_int64, c_uint32, c_uint64, c_void_p

OK, FALSE, INVALID_ARGUMENT, NO_INTERFACE = 0, 1, 2, -1
COMPONENT = bytes.fromhex("E831FF31F2D54301928EBBEE25697802")
PROCESSOR = bytes.fromhex("42043F99B7DA453CA569E79D9AAEC33D")
CONTROLLER = bytes.fromhex("DCD7BBE37742448DA874AACC979C759E")
RUN_LOOP = bytes.fromhex("18C3536697764F1A9C5B83857A871389")
# The position of a function in its interface's table.
RELEASE, INITIALIZE, TERMINATE = 2, 3, 4
SET_ACTIVE, SET_STATE, GET_STATE = 11, 12, 13
SETUP_PROCESSING, SET_PROCESSING, PROCESS = 7, 8, 9
GET_PARAMETER_COUNT, GET_PARAMETER_INFO, GET_NORMALIZED, SET_NORMALIZED = 8, 9, 14, 15
SET_HANDLER, CREATE_VIEW = 16, 17
ATTACHED, REMOVED, SET_FRAME = 4, 5, 12
BLOCK_LEN = 512


def call(pointer, position, result, *arguments):
    """Calls a function of a plug-in's object. Arguments are ctypes values."""
    table = ctypes.cast(pointer, POINTER(POINTER(c_void_p))).contents
    types = [type(argument) for argument in arguments]
    return ctypes.CFUNCTYPE(result, c_void_p, *types)(table[position])(pointer, *arguments)


class Object:
    """An object of the host's: `functions` are (result type, argument types, function) after the three that all have."""

    def __init__(self, *functions, interfaces=None):
        self.references = 1
        self.interfaces = interfaces or {}
        known = [
            (c_int32, [c_void_p, POINTER(c_void_p)], self.query),
            (c_uint32, [], lambda: self.count(1)),
            (c_uint32, [], lambda: self.count(-1)),
        ]
        # The plug-in holds pointers to all of this: it lives as long as the object.
        self.calls = [
            ctypes.CFUNCTYPE(result, c_void_p, *types)(lambda _, *arguments, function=function: function(*arguments))
            for result, types, function in known + list(functions)
        ]
        self.table = (c_void_p * len(self.calls))(*[ctypes.cast(call, c_void_p) for call in self.calls])
        self.body = c_void_p(ctypes.addressof(self.table))
        self.pointer = c_void_p(ctypes.addressof(self.body))

    def query(self, interface, out):
        found = self.interfaces.get(ctypes.string_at(interface, 16))
        out[0] = found.pointer.value if found else None
        if found is None:
            return NO_INTERFACE
        found.count(1)
        return OK

    def count(self, change):
        self.references += change
        return self.references


class Stream(Object):
    """Bytes that a plug-in reads or writes as its state."""

    def __init__(self, content=b""):
        self.content, self.position = bytearray(content), 0
        super().__init__(
            (c_int32, [c_void_p, c_int32, POINTER(c_int32)], self.read),
            (c_int32, [c_void_p, c_int32, POINTER(c_int32)], self.write),
            (c_int32, [c_int64, c_int32, POINTER(c_int64)], self.seek),
            (c_int32, [POINTER(c_int64)], self.tell),
        )

    def read(self, buffer, size, read):
        part = bytes(self.content[self.position : self.position + size])
        ctypes.memmove(buffer, part, len(part))
        return self.moved(len(part), read)

    def write(self, buffer, size, written):
        self.content[self.position : self.position + size] = ctypes.string_at(buffer, size)
        return self.moved(size, written)

    def moved(self, size, told):
        self.position += size
        if told:
            told[0] = size
        return OK

    def seek(self, position, mode, told):
        self.position = position + (0, self.position, len(self.content))[mode]
        if told:
            told[0] = self.position
        return OK

    def tell(self, told):
        told[0] = self.position
        return OK


class Changes(Object):
    """Values of parameters, by id, at the beginning of a block."""

    def __init__(self, values):
        self.queues = [self.queue(id, value) for id, value in values.items()]
        super().__init__(
            (c_int32, [], lambda: len(self.queues)),
            (c_void_p, [c_int32], lambda position: self.queues[position].pointer.value),
            (c_void_p, [c_void_p, c_void_p], lambda _id, _position: None),
        )

    @staticmethod
    def queue(id, value):
        def point(_position, offset, told):
            offset[0], told[0] = 0, value
            return OK

        return Object(
            (c_uint32, [], lambda: id),
            (c_int32, [], lambda: 1),
            (c_int32, [c_int32, POINTER(c_int32), POINTER(c_double)], point),
            (c_int32, [c_int32, c_double, c_void_p], lambda *_: FALSE),
        )


class Handler(Object):
    """What the plug-in tells the host of its parameters; `restarted` is called when it asks for a restart."""

    def __init__(self, restarted=lambda: None):
        def restart(_flags):
            restarted()
            return OK

        super().__init__(
            (c_int32, [c_uint32], lambda _id: OK),
            (c_int32, [c_uint32, c_double], lambda _id, _value: OK),
            (c_int32, [c_uint32], lambda _id: OK),
            (c_int32, [c_int32], restart),
        )


class Frame(Object):
    """The host's window around an editor, with the host's run loop where there is one."""

    def __init__(self, has_run_loop=True):
        # Event handlers that are registered now; the loop holds a reference to each.
        self.registered = []
        run_loop = Object(
            (c_int32, [c_void_p, c_int32], self.register),
            (c_int32, [c_void_p], self.unregister),
            (c_int32, [c_void_p, c_uint64], lambda *_: FALSE),
            (c_int32, [c_void_p], lambda *_: FALSE),
        )
        interfaces = {RUN_LOOP: run_loop} if has_run_loop else {}
        super().__init__((c_int32, [c_void_p, c_void_p], lambda *_: FALSE), interfaces=interfaces)

    def register(self, handler, _file):
        call(c_void_p(handler), 1, c_uint32)
        self.registered.append(handler)
        return OK

    def unregister(self, handler):
        if handler not in self.registered:
            return FALSE
        self.registered.remove(handler)
        call(c_void_p(handler), RELEASE, c_uint32)
        return OK


class Setup(ctypes.Structure):
    _fields_ = [("mode", c_int32), ("sample_size", c_int32), ("max_len", c_int32), ("sample_rate", c_double)]


class Bus(ctypes.Structure):
    _fields_ = [("channels", c_int32), ("silence", c_uint64), ("buffers", POINTER(POINTER(ctypes.c_float)))]


class Data(ctypes.Structure):
    _fields_ = [(name, c_int32) for name in ("mode", "sample_size", "len", "inputs_len", "outputs_len")]
    _fields_ += [("inputs", POINTER(Bus)), ("outputs", POINTER(Bus)), ("changes", c_void_p)]
    _fields_ += [(name, c_void_p) for name in ("out_changes", "in_events", "out_events", "context")]


class ParameterInfo(ctypes.Structure):
    _fields_ = [("id", c_uint32), ("title", ctypes.c_uint16 * 128), ("short", ctypes.c_uint16 * 128)]
    _fields_ += [("unit", ctypes.c_uint16 * 128), ("steps", c_int32), ("default", c_double)]
    _fields_ += [("unit_id", c_int32), ("flags", c_int32)]


class Module:
    """A loaded bundle."""

    def __init__(self, bundle):
        [name] = os.listdir(os.path.join(bundle, "Contents", f"{platform.machine()}-linux"))
        self.library = ctypes.CDLL(os.path.join(bundle, "Contents", f"{platform.machine()}-linux", name))
        self.library.ModuleEntry(c_void_p())
        self.library.GetPluginFactory.restype = c_void_p
        self.factory = c_void_p(self.library.GetPluginFactory())

    def instance(self, handler=None):
        return Instance(self.factory, handler)


class Instance:
    """One plug-in, activated and processing."""

    def __init__(self, factory, handler=None):
        # Of the class: its id, then more that is not needed here.
        info = ctypes.create_string_buffer(256)
        assert call(factory, 5, c_int32, c_int32(0), ctypes.cast(info, c_void_p)) == OK
        self.component = c_void_p()
        create = [ctypes.c_char_p(info.raw[:16]), ctypes.c_char_p(COMPONENT)]
        assert call(factory, 6, c_int32, *create, ctypes.pointer(self.component)) == OK
        assert call(self.component, INITIALIZE, c_int32, c_void_p()) == OK
        self.processor, self.controller = self.interface(PROCESSOR), self.interface(CONTROLLER)
        # The plug-in may call it as long as it lives.
        self.handler = handler or Handler()
        call(self.controller, SET_HANDLER, c_int32, self.handler.pointer)
        self.ids = {info.title: info.id for info in self.parameters()}
        call(self.processor, SETUP_PROCESSING, c_int32, ctypes.pointer(Setup(0, 0, BLOCK_LEN, 48_000.0)))
        call(self.component, SET_ACTIVE, c_int32, ctypes.c_uint8(1))
        self.set_processing(True)

    def interface(self, id):
        out = c_void_p()
        assert call(self.component, 0, c_int32, ctypes.c_char_p(id), ctypes.pointer(out)) == OK
        return out

    def parameters(self):
        for position in range(call(self.controller, GET_PARAMETER_COUNT, c_int32)):
            info = ParameterInfo()
            assert self.parameter_info(position, info) == OK
            yield Parameter(info)

    def parameter_info(self, position, info):
        return call(self.controller, GET_PARAMETER_INFO, c_int32, c_int32(position), ctypes.pointer(info))

    def set_processing(self, is_on):
        call(self.processor, SET_PROCESSING, c_int32, ctypes.c_uint8(is_on))

    def get(self, name):
        return call(self.controller, GET_NORMALIZED, c_double, c_uint32(self.ids[name]))

    def set(self, name, value):
        """What a host calls beside the audio."""
        return call(self.controller, SET_NORMALIZED, c_int32, c_uint32(self.ids[name]), c_double(value))

    def play(self, values=None):
        """One block of silence; `values` of parameters come with it."""
        changes = Changes({self.ids[name]: value for name, value in (values or {}).items()})
        channels = [(ctypes.c_float * BLOCK_LEN)() for _ in range(4)]
        pointers = [ctypes.cast(channel, POINTER(ctypes.c_float)) for channel in channels]
        buses = [Bus(2, 0, (POINTER(ctypes.c_float) * 2)(*pair)) for pair in (pointers[:2], pointers[2:])]
        data = Data(0, 0, BLOCK_LEN, 1, 1, ctypes.pointer(buses[0]), ctypes.pointer(buses[1]), changes.pointer)
        return call(self.processor, PROCESS, c_int32, ctypes.pointer(data))

    def save(self):
        stream = Stream()
        assert call(self.component, GET_STATE, c_int32, stream.pointer) == OK
        return json.loads(bytes(stream.content))

    def load(self, state):
        """What the plug-in answers to the load of a state."""
        stream = Stream(json.dumps(state).encode())
        return call(self.component, SET_STATE, c_int32, stream.pointer)

    def view(self):
        return c_void_p(call(self.controller, CREATE_VIEW, c_void_p, ctypes.c_char_p(b"editor")))

    def release(self):
        self.set_processing(False)
        call(self.component, SET_ACTIVE, c_int32, ctypes.c_uint8(0))
        call(self.component, TERMINATE, c_int32)
        for interface in (self.processor, self.controller, self.component):
            call(interface, RELEASE, c_uint32)


class Parameter:
    """A parameter as the plug-in describes it."""

    def __init__(self, info):
        self.id = info.id
        self.title = bytes(info.title).decode("utf-16-le").split("\0")[0]
