# From "header included" pairs (or a lone header), chains of headers, one a line: each includes the
# one before it, by itself or through others. Included in that order, every header finds only what
# it brings itself, as alone: what stands before it is part of what it includes. Programs (*.cpp), which
# are compiled in any case, end the longest chain that is part of what they include.
{ headers[$1]; if (NF > 1) includes[$1] = includes[$1] " " $2 }

function close_over(header,    direct, n, i, all, inner, m, j) {
    if (header in size) return
    size[header] = 0
    n = split(includes[header], direct, " ")
    for (i = 1; i <= n; i++) {
        close_over(direct[i])
        m = split(closure[direct[i]] " " direct[i], inner, " ")
        for (j = 1; j <= m; j++)
            if (!((header, inner[j]) in reached)) {
                reached[header, inner[j]]
                closure[header] = closure[header] " " inner[j]
                size[header]++
            }
    }
}

# The chain that `header` may continue whose last one includes most, or 0.
function chain_before(header,    best, c) {
    best = 0
    for (c = 1; c <= chains; c++)
        if ((header, last[c]) in reached && (!best || size[last[c]] > size[last[best]])) best = c
    return best
}

# Continues chains by those of `of_size`, smallest first.
function chain_up(of_size, programs,    s, n, i, alike, best) {
    for (s = 0; s <= most; s++) {
        n = split(of_size[s], alike, " ")
        for (i = 1; i <= n; i++) {
            best = chain_before(alike[i])
            if (!best && programs) continue
            if (!best) best = ++chains
            last[best] = alike[i]
            chain[best] = chain[best] " " alike[i]
        }
    }
}

END {
    for (header in headers) {
        close_over(header)
        if (size[header] > most) most = size[header]
        if (header ~ /\.cpp$/) programs[size[header]] = programs[size[header]] " " header
        else of_size[size[header]] = of_size[size[header]] " " header
    }
    chain_up(of_size, 0)
    chain_up(programs, 1)
    for (c = 1; c <= chains; c++) print substr(chain[c], 2)
}
