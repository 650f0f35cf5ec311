# Filter of Doxygen: documents members that a concept asks for. The concept says what they are; each type
# that meets it need not say it again. What has a comment of its own keeps it. Of several members that one
# line declares, all have its comment. Lines keep their numbers.
BEGIN {
    several = "^ *[a-z][A-Za-z_:0-9<> ]* [a-z_0-9]+( = [^,;()]*|\\{[^,;(){}]*\\})?(, [a-z_0-9]+( = [^,;()]*|\\{[^,;(){}]*\\})?)+; *(//.*)?$"
    # Pattern of the declaration, and what it is.
    say("operator==\\(.*= default;", "Member by member.")
    say("operator<=>\\(.*= default;", "Member by member, in order of declaration.")
    say("^ *[a-z_]+\\([a-z_]+&& [a-z]+\\) noexcept", "Takes over; the other holds nothing then.")
    say("operator network_view\\(\\) const", "Rows, edges and names, not owned: part of hass::Network.")
    say("string_view name\\([a-z_]+ [a-z_]+\\)", "The name, as files and flags write it.")
    say("std::array<std::string_view, .*> [a-z_0-9]+_names\\{", "Names in the order of the enumeration, as files and flags write them.")

    say("^ *text_part\\(", "A part of a text: a word or a number.")
    say("^ *binding\\(std::string_view n,", "A name and what stands in its brackets.")
    say("^struct [a-z_0-9]+ *: detail::board<", "A board of the catalogue, figures as in `value`.")
    say("constexpr named_network<types::", "A network of the literature, as a value.")
    say("^ *const layer_row& row\\(\\) const", "The row that it counts.")

    # hass::Engine, TimedEngine, ResourceModel
    say("double cycles\\(const row_option& [a-z]+\\) const", "Cycles of one image with this option; the statistics were given to prepare().")
    say("double cycles\\(const layer_row& row, const layer_statistics& s", "Cycles of one image: part of hass::Engine.")
    say("usage cost\\(const layer_row& row, const row_option& c\\)", "What the row takes, its share of what stands around the engine included: part of hass::Engine.")
    say("usage stage_cost\\(const layer_row& row, const row_option& c", "What a row without weights takes.")
    say("bool legal\\(const layer_row& row, const parallelism& p\\)", "Whether the row can be folded so.")
    say("std::vector<row_option> legal\\(const layer_row& row\\)", "Every option of the row, in the order of for_each().")
    say("void for_each\\(const layer_row& row, Visit&& visit\\)", "Calls `visit` with every option of the row: part of hass::Engine.")
    say("prepare\\(const layer_row& row, const layer_statistics& s\\)", "What is the same for all options of a row with these statistics, taken out of cycles().")
    say("^ *R resources(\\{\\})?;", "What the hardware costs (hass::ResourceModel).")
    say("^ *I interval\\{\\};", "Cycles of a window (hass::Interval).")
    say("^ *precision widths\\{\\};", "Bits of data, weights and sums.")
    say("usage sparse\\(const layer_row& row, const row_option& c", "What a row on a sparse engine takes: part of hass::ResourceModel.")
    say("usage dense\\(const layer_row& row, const row_option& c", "What a row on a dense engine takes: part of hass::ResourceModel.")
    say("usage stage\\(const layer_row& row, const row_option& c", "What a row without weights takes: part of hass::ResourceModel.")
    say("window_times window_table\\(", "Cycles of a window by its surviving pairs, none where the engine has no such table, and how channels are dealt.")
    say("double window\\(int survivors, int macs\\)", "Cycles of a window with so many surviving pairs: part of hass::Interval.")
    say("double mean\\(double mean_survivors, double empty_share, int macs\\)", "Cycles of a window from the mean of its surviving pairs and the share of empty windows: part of hass::Interval.")
    say("double layer\\(double pair_sparsity, int pairs, int macs\\)", "Cycles of a window from the layer's sparsity alone: part of hass::Interval.")

    say("dot_products dots_of\\(", "What is counted of whole dot products for this engine.")
    say("void add\\(const float\\* planes, std::size_t images, float keep\\)", "Adds images given as planes; values with |x| < keep count as zero.")
    say("service_trace& trace\\(\\)", "What was recorded so far.")

    # hass::ArrayEngine
    say("int multipliers\\(\\)", "Multipliers of the whole array: part of hass::ArrayEngine.")
    say("std::optional<double> area_mm2\\(\\)", "Area in mm2 as published; nullopt where it is not: part of hass::ArrayEngine.")
    say("array_run run\\(const layer_row& row, const layer_statistics& s\\)", "One row with these statistics, run on the whole array: part of hass::ArrayEngine.")

    # nodes of FINN: finn::cycles(), needs(), bits_in(), bits_out(), refusal()
    say("double cycles\\(\\) const \\{", "Cycles of one image, as FINN estimates them.")
    say("double cycles\\(const node_kind& kind\\)", "Cycles of one image, as FINN estimates them.")
    say("modelled_usage needs\\((const node_kind&|policy)", "What the node takes, as FINN or its repaired model says; unknown where neither has a figure.")
    say("std::string refusal\\(\\) const", "Why FINN or HLS does not build it; empty: they do.")
    say("(int|std::int64_t) bits_in\\(", "Bits a word of its input stream.")
    say("(int|std::int64_t) bits_out\\(", "Bits a word of its output stream.")

    say("^ *int channels = 1, pe = 1", "Channels, and how many of them a cycle.")
    say("^ *int channels = 1, simd = 1", "Channels, and how many of them a cycle.")
    say("^ *data_type input\\{\\}", "What the words of its streams are.")
    say("^ *(finn::)?ram_style ram_style = ", "Which memory it stands in.")
    say("^ *std::int64_t vectors = 1;", "Pixels of an image.")
    say("wmem\\(\\) const", "Words of weights that a PE holds.")
    say("bool one_axis\\(\\) const", "Whether the map has one axis alone.")

    # patterns::Pattern, and what coarse patterns are made of
    say("fraction exact_density\\(\\)", "The largest share of weights that are not zero, as a ratio.")
    say("fraction exact_sparsity\\(\\)", "The least share of zeros, as a ratio.")
    say("double density\\(\\)", "The largest share of weights that are not zero: part of hass::patterns::Pattern.")
    say("std::int64_t degrees\\(weight_extents\\)", "How many distinct sparsities the structure has: part of hass::patterns::Pattern.")
    say("bool applies\\(weight_extents", "Whether the structure exists for such a tensor: part of hass::patterns::Pattern.")
    say("bool conforms\\(weight_extents", "Whether no weight stands where the pattern forbids one: part of hass::patterns::Pattern.")
    say("void project\\(weight_extents", "Zeroes weights until the tensor conforms: part of hass::patterns::Pattern.")
    say("std::int64_t stored_values\\(weight_extents", "Words that hardware stores: part of hass::patterns::Pattern.")
    say("std::int64_t metadata_bits\\(weight_extents", "Bits that say where these words stand: part of hass::patterns::Pattern.")
    say("std::int64_t units\\(weight_extents", "How many units, kept or pruned whole, such a tensor has.")
    say("std::int64_t unit_size\\(weight_extents", "Weights of a unit.")
    say(" unit\\(weight_extents", "The unit of weight (filter, channel, tap).")

    # storage::Format
    say("std::int64_t bits\\(const tensor_view& t\\)", "Exact size in bits: part of hass::formats::Format.")
    say("double expected_bits\\(std::span", "Mean size where each word is not zero with probability `density` on its own: part of hass::formats::Format.")
    say("encoded encode\\(const tensor_view& t\\)", "The bits: part of hass::formats::Format.")
    say("std::vector<std::uint32_t> decode\\(const encoded& c\\)", "The words again: part of hass::formats::Format.")

    # hass::Layer, Block, and options of layers
    say("layer_row row\\(shape in\\)", "The row that the layer lowers to: part of hass::Layer.")
    say("bool accepts\\(shape in\\)", "Whether the shape fits: part of hass::Layer.")
    say("void apply\\(layer_row& r\\)", "Sets it in the row.")
    say("int row_count =", "Rows that it lowers to: part of a block, as `sequential` is one.")
    say("int edge_count( =|$)", "Edges that it lowers to: part of a block, as `sequential` is one.")
    say("static constexpr shape out\\(shape", "The shape that it gives: part of a block, as `sequential` is one.")
    say("static constexpr bool check\\(\\)", "Fails to compile, and says why, where the shape does not fit: part of a block, as `sequential` is one.")
    say("detail::cursor lower\\(auto&", "Appends the rows and edges: part of a block, as `sequential` is one.")

    # hass::Optimizer, hass::Device, hass::AllocationPolicy, axes of hass::knobs
    say("std::optional<trial> ask\\(\\) \\{", "The next trial; nullopt: exhausted. Part of hass::Optimizer.")
    say("void tell\\(const trial&( told)?, const outcome&( result)?\\) \\{", "Records what came out: part of hass::Optimizer.")
    say("const space& where\\(\\) const", "The space that is searched.")
    say("explicit [a-z_0-9]+\\(space where, std::uint64_t seed = 0", "A search of a space; the same seed gives the same suggestions.")
    say("const device& (limits|board)\\(\\) const", "What there is to spend.")
    say("allocation_choice operator\\(\\)\\(const allocation_problem& problem\\)", "The choice: part of hass::AllocationPolicy.")
    say("axis as_axis\\(std::string name\\) const", "As an axis of a search space.")
    say("void set\\(double coordinate\\)", "Takes the value from a coordinate of its axis.")
    say("double get\\(\\) const", "The value as a coordinate of its axis.")
    say("std::(size_t|int64_t|uint64_t) size\\(\\) const", "How many there are.")
    say("void merge\\((const )?[a-z_]+& other\\)", "Adds what another has counted, over the same layout.")
}
function say(pattern, text) {
    patterns[++count] = pattern
    texts[count] = text
}
# `T a = 1, b = 2;` under one comment: each declarator gets it.
function apart(line, text,    at, head, type, rest, result, part) {
    match(line, /^ *(const |constexpr |static |inline )*[A-Za-z_:0-9<>]+ /)
    type = substr(line, 1, RLENGTH)
    rest = substr(line, RLENGTH + 1)
    sub(/;.*/, "", rest)
    for (at = split(rest, part, /, /); at > 0; --at)
        result = type part[at] ";  /**< " text " */ " result
    return result
}
{
    documented = (before ~ /^ *\/\/\// && before !~ /@\{/) || $0 ~ /\/\/\//
    if ($0 ~ /^ *\/\/\/ /) {
        said = $0
        sub(/^ *\/\/\/ /, "", said)
        comment = before ~ /^ *\/\/\/ / ? comment " " said : said
    }
    # A line of `template` or `requires` between the comment and its declaration.
    passes = $0 ~ /^ *(template ?<.*>|requires .*)$/ && before ~ /^ *\/\/\//
    line = $0
    if (!documented && $0 !~ /^ *(\/\/|return|throw|if|for|:|\+|\?)/)
        for (i = 1; i <= count; ++i)
            if ($0 ~ patterns[i]) {
                match($0, /^ */)
                comment = texts[i]
                line = substr($0, 1, RLENGTH) "/** " comment " */ " substr($0, RLENGTH + 1)
                documented = 1
                break
            }
    if (documented && $0 ~ several && $0 !~ /^ *(return|using|throw) /) {
        if (match($0, /\/\/\/< /)) comment = substr($0, RSTART + 5)
        line = apart($0, comment)
    }
    sub(/^ *friend detail::.*;/, "", line)  # who may build it is no news to a reader
    sub(/static constexpr device value\{/, "/** What it has. */ &", line)
    if (!passes) before = $0
    print line
}
