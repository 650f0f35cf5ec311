/// \file compute_stage.hpp
/// A convolution or a fully connected row: clip, windows, their replays, an engine, narrowing of its
/// sums to as many as there is time for, requantisation.
///
/// Of a folding, hardware makes one engine of in * macs multipliers a filter on words of in * vector
/// channels, or of a depthwise row `group` engines side by side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hass/engine/folding.hpp>
#include <hass/rtl/stage.hpp>

namespace hass::rtl {

/// What executes a row's dot products.
enum class engine_kind : std::uint8_t {
    dense,  ///< `hass_dense`, `hass_depthwise`
    spe,    ///< `hass_spes`: the paper's
};

/// The extents of a row in hardware.
struct compute_shape {
    int lanes_in;     ///< channels a word
    int words;        ///< of a dot product: channels of a group / lanes_in, 1 if depthwise
    int pixel_words;  ///< of a whole pixel
    int positions;    ///< of a window, of one engine
    int multipliers;  ///< of a filter
    int filters;      ///< at once, of one engine
    int engines;      ///< side by side: groups of a depthwise row
    int replays;      ///< of the words of a dot product
    int dots;         ///< until the weights start again
    int steps;        ///< cycles of a dense window

    explicit compute_shape(const row_view& r) {
        const layer_row& row = r.row();
        const parallelism& p = r.option.folding;
        engines = p.group;
        lanes_in = p.in * p.vector * p.group;
        words = channels_per_group(row) / (p.in * p.vector);
        pixel_words = row.in.channels / lanes_in;
        positions = p.in * p.vector * taps(row);
        multipliers = p.in * p.macs;
        filters = p.out;
        replays = filters_per_group(row) / p.out;
        dots = row.groups / p.group * replays;
        steps = (positions + multipliers - 1) / multipliers;
    }

    int lanes_out() const { return engines * filters; }
    /// Cycles in which a dense engine gives one word of sums.
    std::int64_t dot_cycles() const { return std::int64_t{words} * steps; }
    /// Values that a word has behind the narrowing: the fewest that keep up with the engine.
    int values_out(std::int64_t cycles) const {
        for (int narrow = 1; narrow < lanes_out(); ++narrow)
            if (lanes_out() % narrow == 0 && lanes_out() / narrow <= cycles) return narrow;
        return lanes_out();
    }
};

namespace detail {

/// \throws hass::error naming the layer, and what no module does
inline void require_compute(const row_view& r, const compute_shape& s, engine_kind kind) {
    const layer_row& row = r.row();
    const parallelism& p = r.option.folding;
    const bool divides = kind != engine_kind::dense || s.positions % s.multipliers == 0;
    r.require(hass::detail::legal_streams(row, p) && s.multipliers <= s.positions && divides,
              "its folding " + hass::detail::text(p) + " does not exist");
    r.require(p.group == 1 || channels_per_group(row) == 1,
              "no module runs several groups of several channels side by side");
    r.require(p.group == 1 || s.replays == 1,
              "no module orders the filters of several groups at a time: out must be all of a "
              "group's");
    r.require(s.multipliers <= 100 && s.engines <= 100,
              text_of({"modules number up to 100 memories; ", s.multipliers,
                       " multipliers a filter, ", s.engines, " groups"}));
    r.require(r.option.memory != weight_memory::off_chip, "no module reads weights off-chip");
    r.require(r.option.multipliers == multiplier::dsp, "no module has multipliers of LUTs");
    r.require(accumulator_bits(r.net, r.index) <= 48, "its sums are wider than a DSP's 48 bits");
    if (has_windows(row)) require_windows(r, s.pixel_words);
}

/// Where the channels of a row's input stand in its stream: in their order, but those of a map that
/// was flattened channel by channel pixel by pixel.
class stream_order {
  public:
    explicit stream_order(const row_view& r) : channels_(r.row().in.channels) {
        const shape* map = flattened_map(r.net.net, r.index);
        if (map != nullptr) channels_ = map->channels, pixels_ = static_cast<int>(map->pixels());
    }
    /// Channel that comes at place `at` of a pixel's stream.
    int channel(int at) const { return at % channels_ * pixels_ + at / channels_; }

  private:
    int channels_, pixels_ = 1;
};

/// Weight of a position p of word w for filter f of all, as `hass_window` places them.
class weight_at {
  public:
    weight_at(const row_view& r, const compute_shape& s)
        : row_(r.row()),
          weights_(r.integers().weights),
          order_(r),
          lanes_(s.positions / taps(row_)) {}

    std::int64_t operator()(int filter, int word, int position) const {
        const int channel = order_.channel(word * lanes_ + position % lanes_);
        const int tap = position / lanes_;
        const std::int64_t at =
            (std::int64_t{filter} * channels_per_group(row_) + channel) * taps(row_) + tap;
        return weights_[static_cast<std::size_t>(at)];
    }

  private:
    const layer_row& row_;
    const std::vector<std::int16_t>& weights_;
    stream_order order_;
    int lanes_;
};

inline std::string two_digits(int n) {
    return text_of({n / 10, n % 10});
}

/// First filter of dot product d on engine e: engines stand side by side in a word of sums.
inline int first_filter(const compute_shape& s, int dot, int engine) {
    return (dot * s.engines + engine) * s.filters;
}

/// A memory a lane, and a set of them an engine: line (d WORDS + w) STEPS + k holds the weights of
/// position k MULTIPLIERS + n.
inline std::vector<file> lane_memories(const row_view& r, const compute_shape& s) {
    const weight_at weight(r, s);
    std::vector<file> files;
    for (int e = 0; e < s.engines; ++e)
        for (int n = 0; n < s.multipliers; ++n) {
            memory_image image;
            for (int d = 0; d < s.dots; ++d)
                for (int w = 0; w < s.words; ++w)
                    for (int k = 0; k < s.steps; ++k) {
                        for (int f = 0; f < s.filters; ++f)
                            image.add(weight(first_filter(s, d, e) + f, w, k * s.multipliers + n),
                                      r.net.weight_bits);
                        image.end_word();
                    }
            const std::string engine = s.engines > 1 ? "_" + two_digits(e) : "";
            files.push_back(
                {text_of({r.id(), "_weights", engine, "_", two_digits(n), ".mem"}), image.text()});
        }
    return files;
}

/// A memory a filter of the paper's SPE: line d WORDS + w holds the weights of a whole window.
inline std::vector<file> spe_memories(const row_view& r, const compute_shape& s) {
    const weight_at weight(r, s);
    std::vector<file> files;
    for (int f = 0; f < s.filters; ++f) {
        memory_image image;
        for (int d = 0; d < s.dots; ++d)
            for (int w = 0; w < s.words; ++w) {
                for (int p = 0; p < s.positions; ++p)
                    image.add(weight(first_filter(s, d, 0) + f, w, p), r.net.weight_bits);
                image.end_word();
            }
        files.push_back({text_of({r.id(), "_weights_", two_digits(f), ".mem"}), image.text()});
    }
    return files;
}

}  // namespace detail

/// The stage of a compute row under way: instances one behind the other.
class compute_stage {
  public:
    compute_stage(const row_view& r, engine_kind kind)
        : r_(r), kind_(kind), s_(r), sum_bits_(accumulator_bits(r.net, r.index)) {
        detail::require_compute(r, s_, kind);
        r.require(kind == engine_kind::dense || s_.engines == 1,
                  "several groups side by side have a module for dense engines only");
        r.require(kind == engine_kind::dense || s_.filters <= 100,
                  text_of({"modules number up to 100 SPEs, not ", s_.filters}));
        in_ = {"in", s_.lanes_in, r.in().bits};
        out_ = {"out", s_.values_out(least_cycles()), r.integers().bits};
    }

    stage operator()() {
        module_text text(detail::heading(r_, folding()), r_.id(), detail::ports_of({in_}, out_));
        std::string at = "in";
        clip(text, at), windows(text, at), replay(text, at), engine(text, at), narrow(text, at);
        text.comment("Bias, scale of the next row, saturation.");
        text.stage("hass_requantise", requantise_parameters(r_, sum_bits_, out_.lanes),
                   "requantise", at, "out");
        latency_ += 5;
        stage done{r_.id(), text.finished(), memories(), {in_}, out_, 0, latency_};
        if (has_windows(r_.row())) done.gap = slots_without_window(r_.row());
        return done;
    }

  private:
    /// Cycles at least between two words of sums.
    std::int64_t least_cycles() const {
        return kind_ == engine_kind::dense ? s_.dot_cycles() : s_.words;
    }

    std::string folding() const {
        const char* engines = kind_ == engine_kind::dense ? "dense" : "the SPE";
        return text_of({detail::counted(s_.lanes_in, "channel"), " a word; ",
                        detail::counted(s_.lanes_out(), "filter"), " at once, ",
                        detail::counted(s_.multipliers, "multiplier"), " each (", engines,
                        "); weights of ", r_.net.weight_bits, " bits, sums of ", sum_bits_, "."});
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
        const stream windows{"windows", s_.positions * s_.engines, in_.bits};
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

    /// Windows that the engine takes while none come, less those that the replay holds; at most as
    /// many as there is time to gather.
    std::int64_t windows_that_wait() const {
        const layer_row& row = r_.row();
        const std::int64_t pixel = std::int64_t{s_.replays} * least_steps();  // cycles a word
        const std::int64_t slots = slots_without_window(row);
        if (slots == 0 || slots_bind()) return 0;
        const std::int64_t words = hass::detail::ceil_div(slots * s_.pixel_words, pixel);
        const std::int64_t held = s_.replays > 1 ? s_.words : 0;
        return std::min(words - held, std::int64_t{row.out.width} * s_.pixel_words);
    }
    /// Whether the map takes longer to come in than to be multiplied.
    bool slots_bind() const {
        const layer_row& row = r_.row();
        return row.out.pixels() * s_.replays * least_steps() < row.in.pixels();
    }
    std::int64_t least_steps() const { return kind_ == engine_kind::dense ? s_.steps : 1; }

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

    void engine(module_text& text, std::string& at) {
        const stream sums{"sums", s_.lanes_out(), sum_bits_};
        text.comment("Dot products.");
        text.declare(sums);
        bindings parameters{{"DATA", in_.bits},
                            {"WEIGHT", r_.net.weight_bits},
                            {"POSITIONS", s_.positions},
                            {"MULTIPLIERS", s_.multipliers},
                            {"FILTERS", s_.filters},
                            {"WORDS", s_.words},
                            {"DOTS", s_.dots},
                            {"SUM", sum_bits_},
                            {"WEIGHTS", in_quotes(r_.id() + "_weights")}};
        if (s_.engines > 1) parameters.emplace_back("GROUPS", s_.engines);
        if (kind_ == engine_kind::spe)
            parameters.emplace_back("THRESHOLD", r_.integers().threshold);
        const char* module = kind_ == engine_kind::spe ? "hass_spes"
                             : s_.engines > 1          ? "hass_depthwise"
                                                       : "hass_dense";
        text.stage(module, parameters, "engine", at, sums.name);
        text.line(detail::busy_where(slots_bind() ? detail::moves("in")
                                                  : text_of({at,
                                                             "_valid && (!sums_valid || "
                                                             "sums_ready)"})));
        at = sums.name, latency_ += s_.multipliers + 4;
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
                                                            : detail::lane_memories(r_, s_);
        files.push_back(requantise_memory(r_, out_.lanes));
        return files;
    }

    const row_view& r_;
    engine_kind kind_;
    compute_shape s_;
    int sum_bits_;
    stream in_, out_;
    int latency_ = 0;
};

}  // namespace hass::rtl
