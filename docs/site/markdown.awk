# Filter of Doxygen for pages: headings get the names that GitHub gives them, links to pages and headings
# become Doxygen's references, so that the same files can be read in both places.
function slug(text) {
    text = tolower(text)
    gsub(/[^a-z0-9 _-]/, "", text)
    gsub(/ /, "-", text)
    return text
}
BEGIN {
    stem = ARGV[1]
    sub(/.*\//, "", stem)
    sub(/\.md$/, "", stem)
}
/^```/ { fenced = !fenced }
!fenced && /^#+ / && !/\{#/ && (titled || stem != "index") {
    title = $0
    sub(/^#+ /, "", title)
    $0 = $0 " {#" (titled++ ? stem "-" slug(title) : stem) "}"
}
!fenced {
    while (match($0, /\]\(#[^)]*\)/))
        $0 = substr($0, 1, RSTART) "(@ref " stem "-" substr($0, RSTART + 3, RLENGTH - 3) substr($0, RSTART + RLENGTH)
    while (match($0, /\]\([a-z_-]+\.md#[^)]*\)/)) {
        link = substr($0, RSTART + 2, RLENGTH - 3)
        split(link, part, /\.md#/)
        $0 = substr($0, 1, RSTART) "(@ref " part[1] "-" part[2] ")" substr($0, RSTART + RLENGTH)
    }
    while (match($0, /\]\(schema\/[a-z_]+\.schema\.json\)/))
        $0 = substr($0, 1, RSTART) "(@ref schemas-" substr($0, RSTART + 9, RLENGTH - 22) ")" substr($0, RSTART + RLENGTH)
    while (match($0, /\]\([a-z_-]+\.md\)/))
        $0 = substr($0, 1, RSTART) "(@ref " substr($0, RSTART + 2, RLENGTH - 6) ")" substr($0, RSTART + RLENGTH)
}
{ print }
