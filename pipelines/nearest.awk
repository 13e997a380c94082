# Prints the one of the names ARGV[2], ARGV[3], ... that is nearest to the name ARGV[1], or nothing
# if more than a third of the name's letters would have to change. A change is one letter added,
# left out or replaced, or two neighbours exchanged (optimal string alignment).

function least(a, b) { return a < b ? a : b }

function distance(a, b,    i, j, d, changed) {
    for (i = 0; i <= length(a); i++) d[i, 0] = i
    for (j = 0; j <= length(b); j++) d[0, j] = j
    for (i = 1; i <= length(a); i++)
        for (j = 1; j <= length(b); j++) {
            changed = substr(a, i, 1) != substr(b, j, 1)
            d[i, j] = least(d[i - 1, j - 1] + changed, least(d[i - 1, j], d[i, j - 1]) + 1)
            if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j - 1, 1) && substr(a, i - 1, 1) == substr(b, j, 1))
                d[i, j] = least(d[i, j], d[i - 2, j - 2] + 1)
        }
    return d[length(a), length(b)]
}

BEGIN {
    best = length(ARGV[1]) / 3
    for (n = 2; n < ARGC; n++) {
        changes = distance(tolower(ARGV[1]), tolower(ARGV[n]))
        if (changes <= best && (nearest == "" || changes < best)) {
            best = changes
            nearest = ARGV[n]
        }
    }
    if (nearest != "") print nearest
}
