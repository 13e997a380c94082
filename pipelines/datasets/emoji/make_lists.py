#!/usr/bin/env python3
"""Makes train.csv, val.csv and test.csv of the data set emoji (README.md says how to run it).

The argument is the unpacked npm package emoji-datasource-google. Python 3, no other packages.
"""

import csv
import hashlib
import json
import pathlib
import sys

VALIDATION_SHARE = 0.2
# Five patches of skin colour, which are one emoji: too few for a class.
LEFT_OUT = {"Component"}

SKIN_TONES = set(range(0x1F3FB, 0x1F400))
HAIR = {0x1F9B0, 0x1F9B1, 0x1F9B2, 0x1F9B3}
# Emoji style, joiner, gender signs, and the arrow of people who face right.
SIGNS = {0xFE0F, 0x200D, 0x2640, 0x2642, 0x27A1}
ADULT, CHILD, OLD = 0x1F9D1, 0x1F9D2, 0x1F9D3
HANDS, HEART, KISS = 0x1F91D, 0x2764, 0x1F48B
# Emoji that differ in gender only, and short forms of longer sequences.
SAME = {
    0x1F468: [ADULT], 0x1F469: [ADULT], 0x1F471: [ADULT],
    0x1F466: [CHILD], 0x1F467: [CHILD],
    0x1F474: [OLD], 0x1F475: [OLD],
    0x1F46B: [ADULT, HANDS, ADULT], 0x1F46C: [ADULT, HANDS, ADULT], 0x1F46D: [ADULT, HANDS, ADULT],
    0x1F48F: [ADULT, HEART, KISS, ADULT], 0x1F491: [ADULT, HEART, ADULT],
    0x1F46A: [ADULT, ADULT, CHILD],
    0x1F478: [0x1FAC5], 0x1F934: [0x1FAC5],  # princess and prince: person with crown
    0x1F930: [0x1FAC4], 0x1FAC3: [0x1FAC4],  # pregnant people
    0x1F483: [0x1F57A],  # dancers
    0x1F385: [ADULT, 0x1F384], 0x1F936: [ADULT, 0x1F384],  # Santa Claus
}


def base_emoji(unified):
    """Returns the code points of an emoji without skin tone, hair, gender and direction."""
    points = [int(point, 16) for point in unified.split("-")]
    kept = [p for p in points if p not in SKIN_TONES | HAIR | SIGNS]
    return tuple(point for p in kept for point in SAME.get(p, [p]))


def pictures(package):
    """Yields file, category and base emoji of each picture, in the order of emoji.json."""
    for emoji in json.loads((package / "emoji.json").read_text(encoding="utf-8")):
        if emoji["category"] in LEFT_OUT:
            continue
        for variant in [emoji, *emoji.get("skin_variations", {}).values()]:
            if variant["has_img_google"] and variant["has_img_twitter"]:
                yield variant["image"], emoji["category"], base_emoji(emoji["unified"])


def groups(package, listed):
    """Returns for each file the group that must stay in one split: the variants of one emoji, and
    emoji that Google draws alike, such as the flags of France and of its island Clipperton."""
    parent = {}

    def root(key):
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for file, _, base in listed:
        drawn = hashlib.sha256((package / "img/google/64" / file).read_bytes()).hexdigest()
        first, second = root(repr(base)), root(drawn)
        parent[max(first, second)] = min(first, second)
    return {file: root(repr(base)) for file, _, base in listed}


def validation_files(listed, group_of):
    """Returns the files for validation: whole groups, in the order of their hashes, until a fifth
    of each category is reached."""
    chosen = set()
    for category in {category for _, category, _ in listed}:
        members = {}
        for file, of, _ in listed:
            if of == category:
                members.setdefault(group_of[file], []).append(file)
        wanted = VALIDATION_SHARE * sum(map(len, members.values()))
        taken = 0
        for group in sorted(members, key=lambda group: hashlib.sha256(group.encode()).digest()):
            if taken < wanted:
                taken += len(members[group])
                chosen.update(members[group])
    return chosen


def write(name, rows):
    with open(pathlib.Path(__file__).parent / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "label"])
        writer.writerows(rows)


def main():
    package = pathlib.Path(sys.argv[1])
    listed = list(pictures(package))
    chosen = validation_files(listed, groups(package, listed))
    rows = [(file, category) for file, category, _ in listed]
    write("train.csv", [row for row in rows if row[0] not in chosen])
    write("val.csv", [row for row in rows if row[0] in chosen])
    write("test.csv", rows)


if __name__ == "__main__":
    main()
