"""Makes the files of this folder with NumPy (2.4) and Python's pickle (3.11):

    python3 make.py

Pixel i of a file's images, counted through its arrays in C order, is 37 i mod 256.
"""

import collections
import pathlib
import pickle
import struct

import numpy as np

HERE = pathlib.Path(__file__).parent


def pixels(*shape):
    return (37 * np.arange(np.prod(shape)) % 256).astype(np.uint8).reshape(shape)


def archives():
    arrays = {
        "x_train": pixels(3, 4, 5),
        "y_train": np.array([0, 1, 7]),
        "x_test": np.asfortranarray(pixels(2, 4, 5)),
        "y_test": np.array([[7], [0]], dtype=np.uint8),
        "notes": np.array("not read"),
    }
    np.savez(HERE / "stored.npz", **arrays)
    np.savez_compressed(HERE / "deflated.npz", **arrays)
    np.savez_compressed(
        HERE / "colour.npz",
        train_images=pixels(2, 4, 5, 3).astype(">i4"),
        train_labels=np.array(["oak", "Ahorn ä"]),
        val_images=pixels(1, 4, 5, 3).astype(np.int8) * 0,
        val_labels=np.array([b"oak"]),
    )
    np.savez(HERE / "float.npz", x_train=pixels(3, 4, 5) / 255, y_train=np.array([0, 1, 1]))
    np.savez(HERE / "object.npz", x_train=np.array([1, "a"], dtype=object), y_train=np.array([0, 1]))
    np.save(HERE / "fortran.npy", np.asfortranarray(pixels(2, 3, 4, 1)))


def pickles():
    for protocol in range(6):
        batch = {
            b"batch_label": b"training batch 1 of 5",
            b"labels": [3, 0],
            b"data": pixels(2, 3072),
            b"filenames": [b"a.png", b"b.png"],
        }
        (HERE / f"cifar-{protocol}.pickle").write_bytes(pickle.dumps(batch, protocol))
    hundred = {"data": pixels(2, 3072), "fine_labels": [np.int64(99), np.uint8(3)], "coarse_labels": [1, 2]}
    (HERE / "cifar-100.pickle").write_bytes(pickle.dumps(hundred, 4))
    names = {"fine_label_names": ["apple", "aquarium_fish"], "coarse_label_names": ["fish"]}
    (HERE / "names.pickle").write_bytes(pickle.dumps(names, 0))
    hostile = collections.OrderedDict(data=1, labels=[])
    (HERE / "class.pickle").write_bytes(pickle.dumps(hostile, 2))
    (HERE / "system.pickle").write_bytes(b"cos\nsystem\n(S'touch /tmp/pickle-was-run'\ntR.")


def python_2():
    """The operations of the published files, which Python 2.7 wrote with protocol 2."""

    def text(value):
        if len(value) < 256:
            return b"U" + bytes([len(value)]) + value
        return b"T" + struct.pack("<i", len(value)) + value

    data = pixels(2, 3072).tobytes()
    parts = [
        b"\x80\x02}q\x01(", text(b"data"), b"q\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04",
        b"K\x00\x85", text(b"b"), b"\x87Rq\x05(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\nq\x06", text(b"u1"),
        b"K\x00K\x01\x87Rq\x07(K\x03", text(b"|"), b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89", text(data),
        b"tb", text(b"labels"), b"q\x08]q\x09(K\x03K\x00e", text(b"filenames"), b"]q\x0a(", text(b"a.png"),
        text(b"b.png"), b"eu.",
    ]
    (HERE / "cifar-python2.pickle").write_bytes(b"".join(parts))


archives()
pickles()
python_2()
