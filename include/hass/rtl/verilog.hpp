/// \file verilog.hpp
/// SystemVerilog as text: modules that are made of instances and of the streams between them. A
/// stream NAME is the wires NAME_valid, NAME_ready and NAME_data; the port "in" of a stage is one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>

namespace hass::rtl {

/// Words that go from one instance to another: `lanes` values of `bits`, the first rightmost.
struct stream {
    std::string name;  ///< of its signals
    int lanes = 1;     ///< values side by side
    int bits = 16;     ///< of a value

    /// Bits side by side.
    int width() const { return lanes * bits; }
};

/// A parameter or a port of an instance, and what stands in its brackets.
struct binding {
    binding(std::string_view n, const std::string& v) : name(n), value(v) {}
    binding(std::string_view n, const char* v) : name(n), value(v) {}
    binding(std::string_view n, long long v) : name(n), value(std::to_string(v)) {}
    binding(std::string_view n, long v) : name(n), value(std::to_string(v)) {}
    binding(std::string_view n, int v) : name(n), value(std::to_string(v)) {}

    std::string name;   ///< of the parameter or port
    std::string value;  ///< as it is written
};
/// In order.
using bindings = std::vector<binding>;

/// A file's name as it stands in a parameter.
inline std::string in_quotes(std::string_view text) {
    return text_of({"\"", text, "\""});
}

/// A word of a language: letters, digits and underscores, a letter first.
inline std::string identifier(std::string_view name) {
    std::string id;
    for (const char c : name) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        if (id.empty() && digit) id = "n";
        if (letter || digit) id += c;
        if (!letter && !digit && !id.empty() && id.back() != '_') id += '_';
    }
    while (!id.empty() && id.back() == '_') id.pop_back();  // a double one is C++'s, as `Vname`
    return id.empty() ? "unnamed" : id;
}

/// The text of one module.
class module_text {
  public:
    /// \param ports  lines of the port list, without commas
    module_text(std::string_view comment, std::string_view name,
                const std::vector<std::string>& ports) {
        text_ = text_of({comment, "module ", name, " (\n"});
        for (std::size_t i = 0; i < ports.size(); ++i)
            line(ports[i] + (i + 1 < ports.size() ? "," : ""));
        text_ += ");\n";
        head_ = text_.size();
    }

    /// One line of the module, indented.
    void line(std::string_view text = {}) {
        if (!text.empty()) text_ += text_of({"    ", text});
        text_ += '\n';
    }
    /// Above what follows, after an empty line.
    void comment(std::string_view text) {
        if (text_.size() > head_) line();
        line(text_of({"// ", text}));
    }

    /// The wires of a stream.
    void declare(const stream& s) {
        const std::string range = text_of({"[", s.width() - 1, ":0]"});
        const std::string pad(range.size(), ' ');
        line(text_of({"wire ", pad, " ", s.name, "_valid, ", s.name, "_ready;"}));
        line(text_of({"wire ", range, " ", s.name, "_data;"}));
    }

    /// An instance; parameters and ports in as many lines as they need.
    void instance(std::string_view module, const bindings& parameters, std::string_view name,
                  const std::vector<std::string>& ports) {
        std::string head(module);
        if (!parameters.empty()) {
            std::vector<std::string> items;
            for (const binding& p : parameters)
                items.push_back(text_of({".", p.name, "(", p.value, ")"}));
            head += wrapped(" #(", items, ")", head.size() + 4);
        }
        line(head + text_of({" ", name, " ("}));
        line("    " + wrapped("", ports, ");", 4));
    }

    /// The three ports PREFIX_valid, PREFIX_ready, PREFIX_data of an instance on a stream's wires.
    static void connect(std::vector<std::string>& ports, std::string_view prefix,
                        std::string_view stream) {
        for (const char* wire : {"_valid", "_ready", "_data"})
            ports.push_back(prefix == stream
                                ? text_of({".", prefix, wire})
                                : text_of({".", prefix, wire, "(", stream, wire, ")"}));
    }

    /// An instance from one stream to another one.
    void stage(std::string_view module, const bindings& parameters, std::string_view name,
               std::string_view from, std::string_view to) {
        std::vector<std::string> ports{".clk", ".rst"};
        connect(ports, "in", from);
        connect(ports, "out", to);
        instance(module, parameters, name, ports);
    }

    /// The whole module.
    std::string finished() const { return text_ + "endmodule\n"; }

  private:
    /// Items with commas between them, in lines of at most 100 columns.
    static std::string wrapped(std::string_view open, const std::vector<std::string>& items,
                               std::string_view close, std::size_t column) {
        std::string text(open);
        const std::size_t indent = column + open.size();
        std::size_t at = indent + 4;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const std::string item = items[i] + (i + 1 < items.size() ? "," : "");
            if (i > 0 && at + item.size() + 1 > 98) {
                text += '\n';
                text += std::string(indent + (open.empty() ? 4 : 0), ' ');
                at = indent + 4;
            } else if (i > 0) {
                text += ' ';
                ++at;
            }
            text += item;
            at += item.size();
        }
        return text + std::string(close);
    }

    std::string text_;
    std::size_t head_ = 0;  // where the ports end
};

}  // namespace hass::rtl
