"""NumPy, scikit-learn and librosa at the work that Unweave is measured at, for `cargo xtask bench`.

Reads one JSON command a line and answers each with one JSON line. The arrays of the folder given as argument: V (frames
x bins), its start W (templates x bins) and H (frames x templates); and one frame's v, w (templates x bins) and h.
The environment must limit every library to one thread before this starts.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import librosa
import numpy as np
import scipy
import sklearn
from sklearn.decomposition import NMF
from threadpoolctl import threadpool_info

FLOOR = np.float32(1e-12)


def facts(_, _data):
    pools = threadpool_info()
    if any(pool["num_threads"] != 1 for pool in pools):
        raise RuntimeError(f"more than one thread: {pools}")
    kernels = sorted({pool.get("architecture", "?") for pool in pools if pool["user_api"] == "blas"})
    libraries = [numpy_like.__name__ + " " + numpy_like.__version__ for numpy_like in (np, scipy, sklearn, librosa)]
    return {"python": sys.version.split()[0], "libraries": libraries, "blas_kernels": kernels}


def frame(command, data):
    """H of one frame: the mean time of one call over a batch, and the last call's h."""
    # Column-major: the fastest order for both products with this BLAS. Templates sum to one, so that is all of the update.
    w, wt = data["w"].T, data["w"]
    v, h = data["v"], np.empty_like(data["h"])
    estimate, step = np.empty_like(v), np.empty_like(h)
    dot, add, divide, multiply = np.dot, np.add, np.divide, np.multiply
    started = time.perf_counter()
    for _ in range(command["calls"]):
        h[:] = data["h"]
        for _ in range(command["updates"]):
            dot(w, h, estimate)
            add(estimate, FLOOR, estimate)
            divide(v, estimate, estimate)
            dot(wt, estimate, step)
            multiply(h, step, h)
    seconds = (time.perf_counter() - started) / command["calls"]
    return {"seconds": seconds, "h": h.tolist()}


def loss(v, h, w, divergence):
    v, estimate = v.astype(np.float64), h.astype(np.float64) @ w.astype(np.float64) + float(FLOOR)
    if divergence == "frobenius":
        return float(((v - estimate) ** 2).sum() / 2)
    logarithm = np.log(np.where(v > 0, v, 1) / estimate)
    return float((v * logarithm - v + estimate).sum())


def learn(command, data):
    """scikit-learn from the given start: its time and the loss that it reaches."""
    v, h, w = (data[name].astype(command["dtype"]) for name in ("V", "H", "W"))
    nmf = NMF(
        n_components=len(w),
        solver=command["solver"],
        beta_loss=command["divergence"],
        init="custom",
        tol=0,
        max_iter=command["iterations"],
    )
    started = time.perf_counter()
    h = nmf.fit_transform(v, W=h, H=w)
    seconds = time.perf_counter() - started
    reached = loss(data["V"], h, nmf.components_, command["divergence"]) if command["loss"] else None
    return {"seconds": seconds, "loss": reached}


def needed(command, data):
    """The fewest iterations that reach a loss."""

    def is_enough(iterations):
        return learn(command | {"iterations": iterations, "loss": True}, data)["loss"] <= command["target"]

    enough = 1
    while not is_enough(enough) and enough < 4096:
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        enough, too_few = (middle, too_few) if is_enough(middle) else (enough, middle)
    return {"iterations": enough}


def decompose(command, data):
    """librosa's decomposition, which is scikit-learn's from a random start: its time and its loss."""
    spectrogram = data["V"].T
    started = time.perf_counter()
    w, h = librosa.decompose.decompose(
        spectrogram,
        n_components=len(data["W"]),
        solver="mu",
        beta_loss="kullback-leibler",
        init="random",
        random_state=1,
        tol=0,
        max_iter=command["iterations"],
    )
    return {"seconds": time.perf_counter() - started, "loss": loss(data["V"], h.T, w.T, "kullback-leibler")}


COMMANDS = {"facts": facts, "frame": frame, "learn": learn, "needed": needed, "decompose": decompose}


def main():
    # A fixed number of iterations is not meant to converge.
    warnings.simplefilter("ignore")
    names = ("V", "W", "H", "v", "w", "h")
    folder = Path(sys.argv[1])
    # On some file systems v.npy and V.npy are one file.
    files = {"v": "frame_v", "w": "frame_w", "h": "frame_h"}
    data = {name: np.load(folder / f"{files.get(name, name)}.npy") for name in names}
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(COMMANDS[command["do"]](command, data)), flush=True)


if __name__ == "__main__":
    main()
