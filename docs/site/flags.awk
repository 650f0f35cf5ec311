# What a program's --help says, as a page: a heading a flag, so that each has a link.
# awk -v program=hass_search -f flags.awk
function finish() {
    if (flag == "") return
    heading = flag
    gsub(/^-[a-z],/, "", heading)
    printf "### %s%s {#flags-%s%s}\n\n", (heading ~ /^-/ ? "\\" : ""), heading, program, heading
    if (kind != "") printf "`%s` ", kind
    gsub(/</, "\\&lt;", text)
    gsub(/^ +| +$/, "", text)
    printf "%s\n\n", text
    flag = ""
}
BEGIN { printf "## %s {#flags-%s}\n\n", program, program }
/^(Usage|Positionals|Options):|^[A-Z].*:$/ {
    finish()
    if ($0 ~ /^Usage/) printf "    %s\n\n", $0
    else if ($0 !~ /^(Options|Positionals):/) printf "**%s**\n\n", substr($0, 1, length($0) - 1)
    next
}
/^  [-a-z]/ {  # two spaces and the flag; its text stands in column 31, or in the next line
    finish()
    head = substr($0, 3, 28)
    rest = substr($0, 31)
    if (head ~ /[^ ]$/) {  # longer than its column
        head = substr($0, 3)
        rest = ""
    }
    split(head, word, / +/)
    flag = word[1]
    kind = head
    sub(/^[^ ]+ */, "", kind)
    sub(/ +$/, "", kind)
    text = rest
    next
}
/^ +[^ ]/ { text = text " " $0; next }
flag == "" && NF { print $0 "\n" }
END { finish() }
