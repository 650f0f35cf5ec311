/// \file compute_stage.hpp
/// A convolution or a fully connected row: clip, windows, their replays, an engine, narrowing of its
/// sums to as many as there is time for, requantisation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/rtl/compute_shape.hpp>
#include <hass/rtl/stage.hpp>
#include <hass/rtl/weight_memories.hpp>

namespace hass::rtl {

/// The stage of a compute row under way: instances one behind the other.
class compute_stage {
  public:
    /// \throws hass::error naming the layer where the engine cannot be built.
    compute_stage(const row_view& r, engine_kind kind)
        : r_(with_modules(r, kind)),
          kind_(kind),
          s_(r.row(), r.option.folding, kind),
          sum_bits_(accumulator_bits(r.net, r.index)) {
        r.require(sum_bits_ <= 48, "its sums are wider than a DSP's 48 bits");
        in_ = {"in", s_.lanes_in, r.in().bits};
        out_ = {"out", kind == engine_kind::lists ? s_.lanes_out() : s_.values_out(least_cycles()),
                r.integers().bits};
        if (kind == engine_kind::lanes) dealt_ = detail::balanced(r, s_);
        if (kind == engine_kind::dense) dealt_ = detail::as_they_come(s_);
    }

    /// The module's text and its memories.
    stage operator()() {
        module_text text(detail::heading(r_, folding()), r_.id(), detail::ports_of({in_}, out_));
        std::string at = "in";
        clip(text, at);
        if (kind_ == engine_kind::lists) {
            lists(text, at);
        } else {
            windows(text, at), replay(text, at), deal(text, at), engine(text, at);
            narrow(text, at);
        }
        text.comment("Bias, scale of the next row, saturation.");
        text.stage("hass_requantise", requantise_parameters(r_, sum_bits_, out_.lanes),
                   "requantise", at, "out");
        latency_ += 5;
        // where the pace depends on data, pixels are on their way that the skew does not know of
        if (kind_ != engine_kind::dense) latency_ += 2 * r_.row().in.channels;
        stage done{r_.id(), text.finished(), memories(), {in_}, out_, 0, latency_, s_.chain};
        if (has_windows(r_.row()))
            done.gap = kind_ == engine_kind::lists ? slots_without_window(r_.row())
                                                   : pixels_ahead(r_.row());
        return done;
    }

  private:
    /// \throws hass::error naming the layer, and what no module does
    static const row_view& with_modules(const row_view& r, engine_kind kind) {
        const std::string missing = missing_module(r.row(), r.option, kind);
        r.require(missing.empty(), missing);
        return r;
    }

    /// Cycles at least between two words of sums.
    std::int64_t least_cycles() const { return std::int64_t{s_.words} * least_steps(); }
    /// ... of a window.
    std::int64_t least_steps() const { return kind_ == engine_kind::dense ? s_.steps : 1; }

    std::string folding() const {
        const parallelism& p = r_.option.folding;
        std::string engine = "dense";
        if (kind_ == engine_kind::spe) engine = "the SPE";
        if (kind_ == engine_kind::lanes)
            engine = text_of({"lanes, ", detail::counted(p.shared, "filter"), " share them"});
        if (kind_ == engine_kind::lists)
            engine = text_of({"lists, ", detail::counted(p.pixels, "pixel"), " at once"});
        return text_of({detail::counted(s_.lanes_in, "channel"), " a word; ",
                        detail::counted(s_.groups * s_.filters, "filter"), " at once, ",
                        detail::counted(s_.multipliers, "multiplier"), " each (", engine,
                        ");\n// weights of ", r_.net.weight_bits, " bits, sums of ", sum_bits_,
                        "."});
    }

    void clip(module_text& text, std::string& at) {
        if (kind_ == engine_kind::spe || r_.integers().threshold == 0) return;  // the SPE clips
        text.comment("Values that the threshold takes for zero.");
        text.declare({"clipped", in_.lanes, in_.bits});
        text.stage(
            "hass_clip",
            {{"BITS", in_.bits}, {"LANES", in_.lanes}, {"THRESHOLD", r_.integers().threshold}},
            "clip", at, "clipped");
        at = "clipped", ++latency_;
    }

    void windows(module_text& text, std::string& at) {
        if (!has_windows(r_.row())) return;
        const stream windows{"windows", s_.positions * s_.groups, in_.bits};
        text.comment(text_of({"Windows of ", taps(r_.row()), " pixels."}));
        text.declare(windows);
        text.stage("hass_window", window_parameters(r_, in_.bits, in_.lanes, s_.pixel_words, 0),
                   "window", at, windows.name);
        at = windows.name, latency_ += 2;
        const std::int64_t waiting = windows_that_wait();
        if (waiting < 2) return;
        text.comment("Windows that keep the engine busy while none come.");
        text.declare({"waiting", windows.lanes, windows.bits});
        text.stage("hass_fifo", {{"BITS", windows.width()}, {"DEPTH", waiting}}, "windows_ahead",
                   at, "waiting");
        at = "waiting", latency_ += 2;
    }

    /// Windows that the engine takes while none come, less those that the replay holds: at most as
    /// many as there is time to gather; of engines whose pace depends on data, what rows of windows
    /// have to leave for the rows between them.
    std::int64_t windows_that_wait() const {
        const layer_row& row = r_.row();
        const std::int64_t pixel = std::int64_t{s_.replays} * least_steps();  // cycles a word
        const std::int64_t slots = slots_without_window(row);
        if (slots == 0 || slots_bind()) return 0;
        const std::int64_t words = hass::detail::ceil_div(slots * s_.pixel_words, pixel);
        if (kind_ != engine_kind::dense)
            return std::min(words, windows_in_front(row) * s_.pixel_words);
        const std::int64_t held = s_.replays > 1 ? s_.words : 0;
        return std::min(words - held, std::int64_t{row.out.width} * s_.pixel_words);
    }
    /// Whether the map takes longer to come in than to be multiplied, whatever the data.
    bool slots_bind() const {
        const layer_row& row = r_.row();
        return kind_ == engine_kind::dense &&
               row.out.pixels() * s_.replays * least_steps() < row.in.pixels();
    }

    void replay(module_text& text, std::string& at) {
        if (s_.replays == 1) return;
        const stream again{"again", s_.positions, in_.bits};
        text.comment(text_of({"The same windows for all filters, ", s_.filters, " at a time."}));
        text.declare(again);
        text.stage("hass_replay",
                   {{"BITS", again.width()}, {"WORDS", s_.words}, {"TIMES", s_.replays}}, "replay",
                   at, again.name);
        at = again.name, ++latency_;
    }

    /// Positions of a window in the order of the lanes.
    void deal(module_text& text, std::string& at) const {
        if (kind_ != engine_kind::lanes || dealt_ == detail::as_they_come(s_)) return;
        const stream dealt{"dealt", s_.positions * s_.groups, in_.bits};
        text.comment("Positions dealt to lanes, so that their weights balance.");
        text.declare(dealt);
        text.line(text_of({"assign dealt_valid = ", at, "_valid;"}));
        text.line(text_of({"assign ", at, "_ready = dealt_ready;"}));
        const int each = s_.groups * in_.bits;
        for (std::size_t p = 0; p < dealt_.size(); ++p)
            text.line(text_of({"assign dealt_data[", static_cast<int>(p) * each, " +: ", each,
                               "] = ", at, "_data[", dealt_[p] * each, " +: ", each, "];"}));
        at = dealt.name;
    }

    void engine(module_text& text, std::string& at) {
        const parallelism& p = r_.option.folding;
        const stream sums{"sums", s_.lanes_out(), sum_bits_};
        text.comment("Dot products.");
        text.declare(sums);
        bindings parameters{{"DATA", in_.bits},  {"WEIGHT", r_.net.weight_bits},
                            {"WORDS", s_.words}, {"DOTS", s_.dots},
                            {"SUM", sum_bits_},  {"WEIGHTS", in_quotes(r_.id() + "_weights")}};
        const auto with = [&](int positions, int multipliers, int filters) {
            parameters.emplace_back("POSITIONS", positions);
            parameters.emplace_back("MULTIPLIERS", multipliers);
            parameters.emplace_back("FILTERS", filters);
        };
        const char* module = "hass_spes";
        if (kind_ == engine_kind::spe) {
            with(p.vector * taps(r_.row()), p.macs, s_.filters);
            parameters.emplace_back("THRESHOLD", r_.integers().threshold);
            parameters.emplace_back("GROUPS", s_.groups);
            parameters.emplace_back("STREAMS", p.in);
            parameters.emplace_back("VECTOR", p.vector);
            latency_ += p.in > 1 ? 3 : 2;
        } else if (kind_ == engine_kind::lanes) {
            module = s_.engines > 1 ? "hass_lane_array" : "hass_lanes";
            with(s_.positions, s_.multipliers, p.shared);
            parameters.emplace_back("MASKED", p.shared <= most_masked ? "1'b1" : "1'b0");
            if (s_.engines > 1) parameters.emplace_back("GROUPS", s_.groups);
            if (s_.engines > 1) parameters.emplace_back("SETS", s_.sets);
            if (s_.engines == 1) parameters.emplace_back("MASKS", in_quotes(r_.memory("masks")));
            latency_ += 2;
        } else {
            module = s_.groups > 1 ? "hass_depthwise" : "hass_dense";
            with(s_.positions, s_.multipliers, s_.filters);
            if (s_.groups > 1) parameters.emplace_back("GROUPS", s_.groups);
        }
        if (kind_ == engine_kind::lanes) {
            text.line("wire works;");
            busy_engine(text, module, parameters, at, sums.name, ".busy(works)");
            text.line("assign busy = works && (!sums_valid || sums_ready);");
        } else if (kind_ != engine_kind::dense) {
            busy_engine(text, module, parameters, at, sums.name);
        } else {
            text.stage(module, parameters, "engine", at, sums.name);
            text.line(detail::busy_where(slots_bind() ? detail::moves("in")
                                                      : text_of({at,
                                                                 "_valid && (!sums_valid || "
                                                                 "sums_ready)"})));
        }
        at = sums.name, latency_ += s_.multipliers + 4;
    }

    /// An engine that says itself when it works.
    static void busy_engine(module_text& text, const char* module, const bindings& parameters,
                            const std::string& from, const std::string& to,
                            const char* busy = ".busy") {
        std::vector<std::string> ports{".clk", ".rst"};
        module_text::connect(ports, "in", from);
        module_text::connect(ports, "out", to);
        ports.push_back(busy);
        text.instance(module, parameters, "engine", ports);
    }

    /// Line buffer, replays and engine in one.
    void lists(module_text& text, std::string& at) {
        const layer_row& row = r_.row();
        const int replicas = r_.option.folding.pixels;
        const stream sums{"sums", s_.lanes_out(), sum_bits_};
        text.comment("Lists of what is not zero, and dot products of them.");
        text.declare(sums);
        bindings parameters{
            {"DATA", in_.bits},           {"WEIGHT", r_.net.weight_bits},
            {"LANES", s_.lanes_in},       {"WORDS", s_.words},
            {"WIDTH", row.in.width},      {"HEIGHT", row.in.height},
            {"KERNEL_W", row.kernel_w},   {"KERNEL_H", row.kernel_h},
            {"STRIDE_W", row.stride_w},   {"STRIDE_H", row.stride_h},
            {"PAD_LEFT", row.pad_left},   {"PAD_TOP", row.pad_top},
            {"OUT_WIDTH", row.out.width}, {"OUT_HEIGHT", row.out.height},
            {"MULTIPLIERS", s_.filters},  {"BLOCKS", s_.replays},
            {"CHAIN", s_.chain},          {"SLOTS", list_ring(row, replicas)},
            {"SUM", sum_bits_},           {"WEIGHTS", in_quotes(r_.id() + "_weights")}};
        if (replicas > 1) parameters.emplace_back("REPLICAS", replicas);
        busy_engine(text, replicas > 1 ? "hass_list_array" : "hass_lists", parameters, at,
                    sums.name);
        at = sums.name, latency_ += s_.chain + 6;
    }

    void narrow(module_text& text, std::string& at) {
        if (out_.lanes == s_.lanes_out()) return;
        const stream few{"few", out_.lanes, sum_bits_};
        text.comment("As many sums at a time as the engine leaves time for.");
        text.declare(few);
        text.stage("hass_narrow", {{"OUT", few.width()}, {"WORDS", s_.lanes_out() / out_.lanes}},
                   "narrow", at, few.name);
        at = few.name, ++latency_;
    }

    std::vector<file> memories() const {
        std::vector<file> files = kind_ == engine_kind::spe ? detail::spe_memories(r_, s_)
                                  : kind_ == engine_kind::lists
                                      ? detail::list_memories(r_, s_)
                                      : detail::lane_memories(r_, s_, dealt_);
        if (kind_ == engine_kind::lanes && r_.option.folding.shared <= most_masked)
            for (file& masks : detail::mask_memories(r_, s_, dealt_))
                files.push_back(std::move(masks));
        files.push_back(requantise_memory(r_, out_.lanes));
        return files;
    }

    const row_view& r_;
    engine_kind kind_;
    compute_shape s_;
    int sum_bits_;
    stream in_, out_;
    detail::dealt_positions dealt_{};  // of dense engines and lanes
    int latency_ = 0;
};

}  // namespace hass::rtl
