/// \file stream_stages.hpp
/// Rows without weights: pools, clipping activations, tables, additions, products, concatenations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/pipeline/stages.hpp>
#include <hass/rtl/stage.hpp>

namespace hass::rtl {

/// Makes the stages of rows without weights, a function a kind.
class stream_stage {
  public:
    /// Of a row without weights. \throws hass::error naming the layer where none exists.
    explicit stream_stage(const row_view& r)
        : r_(r), row_(r.row()), lanes_(r.option.folding.in), bits_(r.in().bits) {
        const int channels = stage_channels(row_);
        r.require(lanes_ >= 1 && channels % lanes_ == 0,
                  text_of({lanes_, " streams do not divide its ", channels, " channels"}));
        words_ = row_.in.channels / lanes_;
        in_ = {"in", lanes_, bits_};
        out_ = {"out", lanes_, r.integers().bits};
    }

    /// The module's text.
    stage operator()() const {
        switch (row_.kind) {
            case layer_kind::max_pool:
                return max_pool();
            case layer_kind::average_pool:
                return average_pool();
            case layer_kind::global_average_pool:
                return global_pool();
            case layer_kind::relu:
            case layer_kind::relu6:
                return clamp();
            case layer_kind::hardswish:
            case layer_kind::hardsigmoid:
            case layer_kind::sigmoid:
            case layer_kind::swish:
                return lookup();
            case layer_kind::add:
                return add();
            case layer_kind::multiply:
                return multiply();
            case layer_kind::concat:
                return concat();
            default:
                r_.require(false, "no module does that");
                return {};
        }
    }

  private:
    module_text begin(const std::vector<stream>& inputs) const {
        const std::string folding = detail::counted(lanes_, "channel") + " a word.";
        return {detail::heading(r_, folding), r_.id(), detail::ports_of(inputs, out_)};
    }

    stage finish(module_text& text, std::vector<stream> inputs, std::vector<file> memories,
                 int latency, std::int64_t gap = 0) const {
        text.line();
        text.line(detail::busy_where(is_join() ? detail::moves("out")
                                               : detail::moves(inputs.front().name)));
        return {r_.id(), text.finished(), std::move(memories), std::move(inputs), out_,
                gap,     latency};
    }
    bool is_join() const {
        return row_.kind == layer_kind::add || row_.kind == layer_kind::multiply ||
               row_.kind == layer_kind::concat;
    }

    void windows(module_text& text, std::int64_t fill) const {
        require_windows(r_, words_);
        const stream windows{"windows", lanes_ * taps(row_), bits_};
        text.comment(text_of({"Windows of ", taps(row_), " pixels."}));
        text.declare(windows);
        text.stage("hass_window", window_parameters(r_, bits_, lanes_, words_, fill), "window",
                   "in", windows.name);
    }

    stage max_pool() const {
        r_.require(taps(row_) > 1, "no module takes the largest of a single pixel");
        module_text text = begin({in_});
        windows(text, integer_range::of(bits_).low);
        text.comment("The largest value of each channel.");
        text.stage("hass_pool_max", {{"BITS", bits_}, {"LANES", lanes_}, {"POSITIONS", taps(row_)}},
                   "pool", "windows", "out");
        return finish(text, {in_}, {}, 2 + hass::detail::bits_for(taps(row_)), pixels_ahead(row_));
    }

    stage average_pool() const {
        r_.require(taps(row_) > 1, "no module averages a single pixel");
        module_text text = begin({in_});
        windows(text, 0);
        const int sum_bits = bits_ + hass::detail::bits_for(taps(row_));
        text.comment("Sums of each channel.");
        text.declare({"sums", lanes_, sum_bits});
        text.stage("hass_pool_sum", {{"BITS", bits_}, {"LANES", lanes_}, {"POSITIONS", taps(row_)}},
                   "pool", "windows", "sums");
        requantise(text, sum_bits);
        return finish(text, {in_}, {requantise_memory(r_, lanes_)},
                      7 + hass::detail::bits_for(taps(row_)), pixels_ahead(row_));
    }

    stage global_pool() const {
        module_text text = begin({in_});
        const std::int64_t pixels = row_.in.pixels();
        const int sum_bits = bits_ + hass::detail::bits_for(pixels);
        text.comment("Sums over the image.");
        text.declare({"sums", lanes_, sum_bits});
        text.stage("hass_global_sum",
                   {{"BITS", bits_}, {"LANES", lanes_}, {"WORDS", words_}, {"PIXELS", pixels}},
                   "pool", "in", "sums");
        requantise(text, sum_bits);
        return finish(text, {in_}, {requantise_memory(r_, lanes_)}, 6);
    }

    void requantise(module_text& text, int sum_bits) const {
        text.comment("Their mean.");
        text.stage("hass_requantise", requantise_parameters(r_, sum_bits, lanes_), "requantise",
                   "sums", "out");
    }

    stage clamp() const {
        const integer_range& range = r_.integers().range;
        r_.require(bits_ == out_.bits, "no module clips to other bits than it takes");
        module_text text = begin({in_});
        text.line();
        text.stage("hass_clamp",
                   {{"BITS", bits_}, {"LANES", lanes_}, {"LOW", range.low}, {"HIGH", range.high}},
                   "clamp", "in", "out");
        return finish(text, {in_}, {}, 1);
    }

    stage lookup() const {
        r_.require(bits_ <= 16, text_of({"tables of ", bits_, " bits are too large"}));
        module_text text = begin({in_});
        memory_image image;
        for (const std::int16_t y : r_.integers().table) {
            image.add(y, out_.bits);
            image.end_word();
        }
        text.line();
        text.stage("hass_lookup",
                   {{"IN", bits_},
                    {"OUT", out_.bits},
                    {"LANES", lanes_},
                    {"FILE", in_quotes(r_.memory("table"))}},
                   "lookup", "in", "out");
        return finish(text, {in_}, {{r_.memory("table"), image.text()}}, 1);
    }

    /// An instance that takes two streams.
    void join(module_text& text, std::string_view module, const bindings& parameters,
              std::string_view name, std::string_view a, std::string_view b,
              std::string_view out) const {
        std::vector<std::string> ports{".clk", ".rst"};
        module_text::connect(ports, "a", a);
        module_text::connect(ports, "b", b);
        module_text::connect(ports, "out", out);
        text.instance(module, parameters, name, ports);
    }

    int scale_bits() const {
        const auto& m = r_.integers().multipliers;
        return std::max({2, bits_of(m[0]), bits_of(m[1])});
    }
    void require_pair() const {
        const auto inputs = r_.inputs();
        r_.require(inputs.size() == 2, text_of({"no module joins ", inputs.size(), " streams"}));
        r_.require(r_.in(0).bits == r_.in(1).bits && bits_ == out_.bits,
                   "no module joins streams of different bits");
        r_.require(flattened_map(r_.net.net, r_.index) == nullptr,
                   "no module joins flattened maps of several pixels");
    }

    stage add() const {
        require_pair();
        const integer_row& integers = r_.integers();
        const stream a{"a", lanes_, bits_}, b{"b", lanes_, bits_};
        module_text text = begin({a, b});
        text.line();
        join(text, "hass_add",
             {{"BITS", bits_},
              {"LANES", lanes_},
              {"MULTIPLIER", scale_bits()},
              {"A_MULTIPLIER", integers.multipliers[0]},
              {"B_MULTIPLIER", integers.multipliers[1]},
              {"SHIFT", integers.shift},
              {"LOW", integers.range.low},
              {"HIGH", integers.range.high}},
             "add", "a", "b", "out");
        return finish(text, {a, b}, {}, 4);
    }

    stage multiply() const {
        require_pair();
        const integer_row& integers = r_.integers();
        const stream a{"a", lanes_, bits_}, b{"b", lanes_, bits_};
        module_text text = begin({a, b});
        std::vector<std::string> from{"a", "b"};
        for (std::size_t k = 0; k < 2 && row_.in.pixels() > 1; ++k) {
            const int source = r_.inputs()[k];
            const shape map = source == network_input
                                  ? input_shape(r_.net.net)
                                  : r_.net.net.rows[static_cast<std::size_t>(source)].out;
            if (map.pixels() > 1) continue;
            text.comment("One pixel for the whole image.");
            text.declare({"gate", lanes_, bits_});
            text.stage("hass_replay",
                       {{"BITS", lanes_ * bits_}, {"WORDS", words_}, {"TIMES", row_.in.pixels()}},
                       "replay", from[k], "gate");
            from[k] = "gate";
        }
        text.line();
        join(text, "hass_multiply",
             {{"BITS", bits_},
              {"LANES", lanes_},
              {"MULTIPLIER", scale_bits()},
              {"SCALE", integers.multipliers[0]},
              {"SHIFT", integers.shift},
              {"LOW", integers.range.low},
              {"HIGH", integers.range.high}},
             "multiply", from[0], from[1], "out");
        return finish(text, {a, b}, {}, 5);
    }

    stage concat() const {
        const auto sources = r_.inputs();
        std::vector<stream> inputs;
        std::vector<int> words;
        for (std::size_t k = 0; k < sources.size(); ++k) {
            const int channels =
                sources[k] == network_input
                    ? input_shape(r_.net.net).channels
                    : r_.net.net.rows[static_cast<std::size_t>(sources[k])].out.channels;
            r_.require(channels % lanes_ == 0, text_of({"no module joins ", channels, " channels, ",
                                                        lanes_, " at a time, to others"}));
            r_.require(r_.in(k).bits == out_.bits, "no module joins streams of different bits");
            inputs.push_back({text_of({"in_", k}), lanes_, out_.bits});
            words.push_back(channels / lanes_);
        }
        r_.require(sources.size() > 1 && flattened_map(r_.net.net, r_.index) == nullptr,
                   "no module joins one stream, or flattened maps of several pixels");
        module_text text = begin(inputs);
        std::string so_far = "in_0";
        for (std::size_t k = 1; k < inputs.size(); ++k) {
            const std::string joined = k + 1 == inputs.size() ? "out" : text_of({"up_to_", k});
            text.line();
            if (joined != "out") text.declare({joined, lanes_, out_.bits});
            join(text, "hass_concat",
                 {{"BITS", lanes_ * out_.bits}, {"A_WORDS", words[0]}, {"B_WORDS", words[k]}},
                 text_of({"join_", k}), so_far, inputs[k].name, joined);
            words[0] += words[k];
            so_far = joined;
        }
        return finish(text, inputs, {}, 0);
    }

    const row_view& r_;
    const layer_row& row_;
    int lanes_, bits_, words_ = 1;
    stream in_, out_;
};

}  // namespace hass::rtl
