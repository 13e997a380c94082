"""Writes golden.txt: pictures scaled by Pillow, whose bilinear filter is a triangle, too.

    pip install pillow==13.0.0 && python3 golden.py > golden.txt

A line has the rule, the picture's width and height, the target's width and height, and all pixels
of the result: planes of red, green and blue. The picture is that of `photo` in support/mod.rs.
"""

from PIL import Image, ImageOps

CASES = [
    ("stretch", (13, 7), (5, 9)),
    ("stretch", (40, 30), (8, 8)),
    ("letterbox", (16, 8), (8, 8)),
    ("letterbox", (9, 30), (10, 12)),
    ("letterbox", (5, 3), (20, 16)),
    ("crop", (16, 8), (8, 8)),
    ("crop", (33, 20), (9, 12)),
    ("crop", (6, 11), (16, 16)),
]


def photo(width, height):
    image = Image.new("RGB", (width, height))
    for x in range(width):
        for y in range(height):
            image.putpixel((x, y), (x * 255 // width, y * 255 // height, (x * 37 + y * 59) % 256))
    return image


def cropped(image, size):
    """The largest central part of the target's shape, in whole pixels, as Keras' smart_resize."""
    width, height = image.size
    part = min(width, round(height * size[0] / size[1])), min(height, round(width * size[1] / size[0]))
    left, top = (width - part[0]) // 2, (height - part[1]) // 2
    return image.crop((left, top, left + part[0], top + part[1]))


for rule, shape, size in CASES:
    image = photo(*shape)
    if rule == "letterbox":
        image = ImageOps.pad(image, size, method=Image.Resampling.BILINEAR, color=(0, 0, 0))
    else:
        image = cropped(image, size) if rule == "crop" else image
        image = image.resize(size, Image.Resampling.BILINEAR)
    planes = [band for channel in image.split() for band in channel.tobytes()]
    print(rule, *shape, *size, *planes)
