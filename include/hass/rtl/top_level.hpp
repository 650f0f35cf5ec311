/// \file top_level.hpp
/// The stages of a network, and what stands between them: converters, forks, FIFOs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/pipeline/skew.hpp>
#include <hass/rtl/stage.hpp>

namespace hass::rtl {

/// A stream of the accelerator's own, AXI-Stream: an image for one of its readers, or answers.
struct port {
    stream words;            ///< its name, and what a word holds
    std::int64_t count = 1;  ///< words an image
    std::int64_t pixel = 1;  ///< words a pixel
    std::string row;         ///< that reads the image, or gives the answers

    /// Bits of TDATA: whole bytes.
    int data_bits() const { return (words.width() + 7) / 8 * 8; }
};

/// Cycles that reset has to be low for: cascades of multipliers are emptied by it.
inline constexpr int reset_cycles = 128;

/// All of a design but the modules that are the same for every one.
struct accelerator_text {
    std::string name;           ///< of the module
    std::string text;           ///< of the top level
    std::vector<stage> stages;  ///< those with a module, in their order
    /// Of the top level.
    std::vector<port> images, answers;
};

/// Connects stages. O(rows + edges), and what `network_skew` takes.
class top_level {
  public:
    /// \param stages       one a row, with an empty module where the row is wires alone
    /// \param fifo_pixels  that wait on each edge at least; empty: none
    top_level(const integer_network& net, std::string name, std::vector<stage> stages,
              std::vector<std::int64_t> fifo_pixels = {})
        : net_(net),
          view_(net.net),
          name_(std::move(name)),
          stages_(std::move(stages)),
          fifo_pixels_(std::move(fifo_pixels)),
          skew_(view_),
          readers_(view_.size()),
          latency_(view_.size(), 0) {
        for (std::size_t i = 0; i < view_.size(); ++i) collect_links(i);
        collect_answers();
    }

    /// All files of it.
    accelerator_text operator()() {
        accelerator_text all{name_, {}, {}, images_, answers_};
        module_text text(heading(), name_, top_ports());
        text.line("wire clk = aclk;");
        text.line("wire rst = !aresetn;");
        std::size_t number = 0;
        for (std::size_t i = 0; i < view_.size(); ++i) {
            if (stages_[i].module.empty()) continue;
            write_links(text, i);
            write_stage(text, i, number++);
            all.stages.push_back(stages_[i]);
        }
        for (const port& p : answers_) write_answers(text, p);
        all.text = text.finished();
        return all;
    }

  private:
    /// From a stage, or the image, to an input of a stage.
    struct link {
        int from;
        std::size_t to;
        std::size_t input;
        std::string source;       ///< stream that it begins with
        std::int64_t words = 0;   ///< values that wait in its FIFO; 0: a register
        std::int64_t cycles = 0;  ///< and words beside them
    };

    /// The row whose stream this is: wires rename it.
    int source_of(int row) const {
        while (row != network_input && stages_[static_cast<std::size_t>(row)].module.empty())
            row = inputs_of(view_, static_cast<std::size_t>(row)).front();
        return row;
    }

    void collect_links(std::size_t i) {
        const stage& s = stages_[i];
        if (s.module.empty()) return;
        const std::vector<int> inputs = inputs_of(view_, i);
        std::vector<int> arrives;  // cycles behind the image, beside those that the skew knows
        for (const int from : inputs) {
            const int source = source_of(from);
            arrives.push_back(source == network_input
                                  ? 0
                                  : latency_[static_cast<std::size_t>(source)] + link_latency);
        }
        const int last = *std::max_element(arrives.begin(), arrives.end());
        latency_[i] = last + s.latency;
        const auto held = skew_.held(i);
        for (std::size_t k = 0; k < inputs.size(); ++k) {
            link l{source_of(inputs[k]), i, k, {}, 0, 0};
            if (!held.empty() && held[k].words > 0) {
                l.words = held[k].words;
                l.cycles = held[k].cycles + last - arrives[k];
            }
            if (l.from != network_input) {  // the image waits in memory
                l.words += s.gap * view_[i].in.channels;
                l.words = std::max(l.words, planned_words(i, k));
            }
            if (l.from == network_input) {
                l.source = add_image_port(i, k);
            } else {
                auto& readers = readers_[static_cast<std::size_t>(l.from)];
                l.source = text_of(
                    {stages_[static_cast<std::size_t>(l.from)].module, "_to_", readers.size()});
                readers.push_back(l.source);
            }
            links_.push_back(l);
        }
    }

    /// Values that are to wait in front of input k of row i, those in front of its wires included.
    std::int64_t planned_words(std::size_t i, std::size_t k) const {
        if (fifo_pixels_.empty()) return 0;
        std::int64_t words = 0;
        for (int row = static_cast<int>(i);; k = 0) {
            const auto first = std::find_if(view_.edges.begin(), view_.edges.end(),
                                            [&](const edge& e) { return e.to == row; });
            const std::size_t at = static_cast<std::size_t>(first - view_.edges.begin()) + k;
            row = view_.edges[at].from;
            if (row == network_input) return words;
            words += fifo_pixels_[at] * view_[static_cast<std::size_t>(row)].out.channels;
            if (!stages_[static_cast<std::size_t>(row)].module.empty()) return words;
        }
    }

    std::string add_image_port(std::size_t i, std::size_t k) {
        const stream& in = stages_[i].inputs[k];
        port p{{text_of({"image_", images_.size()}), in.lanes, in.bits}, 0, 1, name_of(view_, i)};
        p.count = input_shape(view_).volume() / in.lanes;
        p.pixel = p.count / input_shape(view_).pixels();
        images_.push_back(p);
        return p.words.name;
    }

    void collect_answers() {
        std::vector<char> read(view_.size(), 0);
        for (const edge& e : view_.edges)
            if (e.from != network_input) read[static_cast<std::size_t>(e.from)] = 1;
        for (std::size_t i = 0; i < view_.size(); ++i) {
            if (read[i] != 0) continue;
            const int from = source_of(static_cast<int>(i));
            if (from == network_input)
                throw error(text_of(
                    {"rtl: layer '", name_of(view_, i), "' gives the image itself as an answer"}));
            const stage& s = stages_[static_cast<std::size_t>(from)];
            auto& readers = readers_[static_cast<std::size_t>(from)];
            port p{{text_of({"answer_", answers_.size()}), s.output.lanes, s.output.bits},
                   view_[i].out.volume() / s.output.lanes,
                   view_[i].out.channels / s.output.lanes,
                   name_of(view_, i)};
            readers.push_back(p.words.name + "_skid");
            answers_.push_back(p);
        }
    }

    std::string heading() const {
        const shape in = input_shape(view_);
        return text_of({"// ", name_, ": images of ", detail::text(in),
                        " (height x width x channels), values of ", net_.data_bits,
                        " bits. See README.md.\n"});
    }

    std::vector<std::string> top_ports() const {
        std::vector<std::string> ports{"input  logic aclk", "input  logic aresetn"};
        for (const port& p : images_) {
            ports.push_back(text_of({"input  logic s_axis_", p.words.name, "_tvalid"}));
            ports.push_back(text_of({"output logic s_axis_", p.words.name, "_tready"}));
            ports.push_back(text_of(
                {"input  logic [", p.data_bits() - 1, ":0] s_axis_", p.words.name, "_tdata"}));
        }
        for (const port& p : answers_) {
            ports.push_back(text_of({"output logic m_axis_", p.words.name, "_tvalid"}));
            ports.push_back(text_of({"input  logic m_axis_", p.words.name, "_tready"}));
            ports.push_back(text_of(
                {"output logic [", p.data_bits() - 1, ":0] m_axis_", p.words.name, "_tdata"}));
            ports.push_back(text_of({"output logic m_axis_", p.words.name, "_tlast"}));
        }
        std::size_t count = 0;
        for (const stage& s : stages_) count += s.module.empty() ? 0 : 1;
        ports.push_back(text_of({"output logic [", count - 1, ":0] busy"}));
        ports.push_back(text_of({"output logic [", count - 1, ":0] held"}));
        return ports;
    }

    const link& link_to(std::size_t i, std::size_t k) const {
        return *std::find_if(links_.begin(), links_.end(),
                             [&](const link& l) { return l.to == i && l.input == k; });
    }

    void write_links(module_text& text, std::size_t i) {
        for (std::size_t k = 0; k < stages_[i].inputs.size(); ++k) {
            const link& l = link_to(i, k);
            const stream& to = stages_[i].inputs[k];
            if (l.from == network_input) write_image(text, l, to);
            const stream from =
                l.from == network_input
                    ? stream{l.source, to.lanes, to.bits}
                    : stream{l.source, stages_[static_cast<std::size_t>(l.from)].output.lanes,
                             to.bits};
            write_link(text, l, from, {input_name(i, k), to.lanes, to.bits});
        }
    }

    std::string input_name(std::size_t i, std::size_t k) const {
        return text_of({stages_[i].module, "_", stages_[i].inputs[k].name});
    }

    void write_image(module_text& text, const link& l, const stream& to) {
        text.comment(text_of({"The image for '", name_of(view_, l.to), "'."}));
        text.declare({l.source, to.lanes, to.bits});
        const std::string axis = "s_axis_" + l.source;
        text.line(text_of({"assign ", l.source, "_valid = ", axis, "_tvalid;"}));
        text.line(text_of({"assign ", axis, "_tready = ", l.source, "_ready;"}));
        text.line(
            text_of({"assign ", l.source, "_data = ", axis, "_tdata[", to.width() - 1, ":0];"}));
        const int padding = (to.width() + 7) / 8 * 8 - to.width();
        if (padding > 0)
            text.line(text_of({"wire unused_", l.source, " = &{1'b0, ", axis, "_tdata[",
                               to.width() + padding - 1, ":", to.width(), "]};"}));
    }

    /// The FIFO stands where words are narrower; but in front of windows behind the converter, which is
    /// slower than they are where pixels pass without one. In front of a narrowing converter as much of it
    /// as a burst has: there it would hold up what gives it.
    void write_link(module_text& text, const link& l, const stream& from, const stream& to) {
        if (from.lanes == to.lanes) {
            text.line();
            text.declare(to);
            write_fifo(text, l, from, to);
            return;
        }
        text.comment(text_of({"From ", from.lanes, " to ", to.lanes, " values a word."}));
        const bool first = from.lanes < to.lanes && stages_[l.to].gap == 0;
        const std::int64_t burst = from.lanes > to.lanes ? burst_of(l, from.lanes) : 0;
        const stream before{to.name + "_waiting", from.lanes, to.bits};
        const stream behind{to.name + "_converted", to.lanes, to.bits};
        link rest = l;
        if (first) {
            text.declare(before);
            write_fifo(text, l, from, before);
        } else if (burst > 0) {
            text.declare(before);
            rest.words = burst, rest.cycles = 0;
            write_fifo(text, rest, from, before);
            rest.words = l.words - burst, rest.cycles = l.cycles;
        }
        if (!first) text.declare(behind);
        text.declare(to);
        text.stage("hass_convert",
                   {{"BITS", to.bits},
                    {"IN", from.lanes},
                    {"OUT", to.lanes},
                    {"WIDE", std::lcm(from.lanes, to.lanes)}},
                   to.name + "_convert", first || burst > 0 ? before.name : from.name,
                   first ? to.name : behind.name);
        if (!first) write_fifo(text, rest, behind, to);
    }

    /// Values of a burst, as far as the link's FIFO has room for them.
    std::int64_t burst_of(const link& l, int lanes) const {
        const int words =
            l.from == network_input ? 1 : stages_[static_cast<std::size_t>(l.from)].burst;
        return words > 1 ? std::min(l.words, std::int64_t{words} * lanes) : 0;
    }

    void write_fifo(module_text& text, const link& l, const stream& from, const stream& to) {
        const std::int64_t depth =
            l.words > 0 ? std::max<std::int64_t>(
                              2, hass::detail::ceil_div(l.words, std::int64_t{to.lanes}) + l.cycles)
                        : 0;
        if (depth > 0)
            text.stage("hass_fifo", {{"BITS", to.width()}, {"DEPTH", depth}}, to.name + "_fifo",
                       from.name, to.name);
        else
            text.stage("hass_skid", {{"BITS", to.width()}}, to.name + "_skid", from.name, to.name);
    }

    void write_stage(module_text& text, std::size_t i, std::size_t number) {
        const stage& s = stages_[i];
        const std::vector<std::string>& readers = readers_[i];
        const std::string out = readers.size() == 1 ? readers.front() : s.module + "_out";
        text.line();
        text.declare({out, s.output.lanes, s.output.bits});
        std::vector<std::string> ports{".clk", ".rst"};
        for (std::size_t k = 0; k < s.inputs.size(); ++k)
            module_text::connect(ports, s.inputs[k].name, input_name(i, k));
        module_text::connect(ports, "out", out);
        ports.push_back(text_of({".busy(busy[", number, "])"}));
        text.instance(s.module, {}, s.module + "_i", ports);
        text.line(text_of({"assign held[", number, "] = ", out, "_valid && !", out, "_ready;"}));
        if (readers.size() > 1) write_fork(text, s, out, readers);
    }

    static void write_fork(module_text& text, const stage& s, const std::string& out,
                           const std::vector<std::string>& readers) {
        std::string valid, ready;
        text.line(text_of({"wire [", s.output.width() - 1, ":0] ", s.module, "_fork_data;"}));
        for (std::size_t w = readers.size(); w-- > 0;) {
            text.declare({readers[w], s.output.lanes, s.output.bits});
            text.line(text_of({"assign ", readers[w], "_data = ", s.module, "_fork_data;"}));
            valid += text_of({readers[w], "_valid", w > 0 ? ", " : ""});
            ready += text_of({readers[w], "_ready", w > 0 ? ", " : ""});
        }
        std::vector<std::string> ports{".clk", ".rst"};
        module_text::connect(ports, "in", out);
        ports.push_back(text_of({".out_valid({", valid, "})"}));
        ports.push_back(text_of({".out_ready({", ready, "})"}));
        ports.push_back(text_of({".out_data(", s.module, "_fork_data)"}));
        text.instance("hass_fork",
                      {{"BITS", s.output.width()}, {"WAYS", static_cast<int>(readers.size())}},
                      s.module + "_fork", ports);
    }

    void write_answers(module_text& text, const port& p) {
        const std::string& name = p.words.name;
        const std::string axis = "m_axis_" + name;
        text.comment(text_of({"The answers of '", p.row, "'."}));
        text.declare(p.words);
        text.stage("hass_skid", {{"BITS", p.words.width()}}, name + "_register", name + "_skid",
                   name);
        text.line(text_of({"assign ", axis, "_tvalid = ", name, "_valid;"}));
        text.line(text_of({"assign ", name, "_ready = ", axis, "_tready;"}));
        const int padding = p.data_bits() - p.words.width();
        text.line(padding == 0 ? text_of({"assign ", axis, "_tdata = ", name, "_data;"})
                               : text_of({"assign ", axis, "_tdata = {", padding, "'b0, ", name,
                                          "_data};"}));
        const int bits = std::max(1, hass::detail::bits_for(p.count));
        text.line(text_of({"wire [", bits - 1, ":0] ", name, "_word;"}));
        text.line(text_of(
            {"assign ", axis, "_tlast = ", name, "_word == ", bits, "'d", p.count - 1, ";"}));
        text.instance("hass_counter", {{"COUNT", p.count}}, name + "_words",
                      {".clk", ".rst", text_of({".step(", name, "_valid && ", name, "_ready)"}),
                       text_of({".count(", name, "_word)"})});
    }

    static constexpr int link_latency = 4;  // at most: a converter, a FIFO

    const integer_network& net_;
    network_view view_;
    std::string name_;
    std::vector<stage> stages_;
    std::vector<std::int64_t> fifo_pixels_;
    network_skew skew_;
    std::vector<std::vector<std::string>> readers_;  // of each row: streams of its output
    std::vector<int> latency_;
    std::vector<link> links_{};
    std::vector<port> images_{}, answers_{};
};

}  // namespace hass::rtl
