/// \file store_reader.hpp
/// A recorded network of the content of a file (store_format.hpp), with all of it checked.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <hass/files/json.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/lane_layouts.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/list_counts.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/row_work.hpp>
#include <hass/statistics/store_format.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

namespace detail {

/// Reads a file's content and names what is wrong with it: file, place, reason.
class statistics_reader {
    using json = ordered_json;

  public:
    explicit statistics_reader(std::string source) : source_(std::move(source)) {}

    recorded_network read(std::string_view content) {
        const std::string_view body = open(content);
        const json header = json::parse(header_, nullptr, false);
        if (header.is_discarded()) throw fail("the header is not JSON");
        recorded_network m;
        read_header(header, m);
        const std::uint64_t expected = body_size(m);
        if (body.size() < expected)
            throw fail(text_of({"cut short: ", body.size(), " bytes of the body's ", expected}));
        if (body.size() > expected)
            throw fail(text_of({body.size() - expected, " bytes too many at the end"}));
        if (crc(body) != body_crc_) throw fail("the body is damaged (checksum)");
        std::string_view rest = body;
        for (std::size_t j = 0; j < m.layers.size(); ++j) read_layer(rest, m, j);
        return m;
    }

  private:
    /// Sizes that the header announces for one layer.
    struct extent {
        std::size_t thresholds[2];
        std::size_t measured[2];
        std::size_t lanes = 0;     ///< layouts
        std::vector<int> lists{};  ///< numbers of lists a pixel
        std::size_t rows = 0;      ///< parts of rows of windows
    };

    error fail(const std::string& what) const { return error(source_ + ": " + what); }
    error fail(const std::string& field, const std::string& what) const {
        return fail("field '" + field + "' " + what);
    }

    /// Checks everything in front of the body. \return the body
    std::string_view open(std::string_view content) {
        if (!content.starts_with(
                statistics_magic.substr(0, std::min<std::size_t>(content.size(), 8))))
            throw fail("is not a statistics file");
        if (content.size() < statistics_prelude) throw fail("cut short in front of the header");
        std::string_view rest = content.substr(statistics_magic.size());
        if (const auto version = take<std::uint32_t>(rest); version != statistics_version)
            throw fail(text_of({"version ", version, ", this library reads ", statistics_version}));
        const std::size_t length = take<std::uint32_t>(rest);
        const auto header_crc = take<std::uint32_t>(rest);
        body_crc_ = take<std::uint32_t>(rest);
        if (rest.size() < length) throw fail("cut short within the header");
        header_ = rest.substr(0, length);
        if (crc(header_) != header_crc) throw fail("the header is damaged (checksum)");
        return rest.substr(length);
    }

    const json& member(const json& object, const std::string& at, const char* key) const {
        const auto found = object.find(key);
        if (found == object.end()) throw fail(at + key, "is missing");
        return *found;
    }
    const json& list(const json& value, const std::string& at) const {
        if (!value.is_array()) throw fail(at, "is not a list");
        return value;
    }
    std::string text(const json& value, const std::string& at) const {
        if (!value.is_string()) throw fail(at, "is not a text");
        return value.get<std::string>();
    }
    std::int64_t integer(const json& value, const std::string& at, std::int64_t low,
                         std::int64_t high) const {
        if (!value.is_number_integer()) throw fail(at, "is not an integer");
        const bool beyond = value.is_number_unsigned() &&
                            value.get<std::uint64_t>() > static_cast<std::uint64_t>(high);
        const std::int64_t number = beyond ? high : value.get<std::int64_t>();
        if (beyond || number < low || number > high)
            throw fail(at, text_of({"is not within ", low, " and ", high}));
        return number;
    }
    std::uint64_t fingerprint(const json& value, const std::string& at) const {
        const std::string digits = text(value, at);
        std::uint64_t number = 0;
        for (const char c : digits) {
            const std::size_t digit = std::string_view("0123456789abcdef").find(c);
            if (digits.size() != 16 || digit == std::string_view::npos)
                throw fail(at, "is not a number of 16 hexadecimal digits");
            number = number << 4 | digit;
        }
        if (digits.empty()) throw fail(at, "is not a number of 16 hexadecimal digits");
        return number;
    }
    void only(const json& object, const std::string& at,
              const std::vector<std::string_view>& known) const {
        if (!object.is_object())
            throw fail(at.empty() ? "the header is not an object"
                                  : "field '" + at.substr(0, at.size() - 1) + "' is not an object");
        for (const auto& [key, value] : object.items())
            if (std::find(known.begin(), known.end(), key) == known.end())
                throw fail(unknown_name("field", at + key, known).what());
    }

    void read_header(const json& h, recorded_network& m) {
        only(h, "",
             {"network", "weights", "images", "sources", "top1", "top5", "loss", "rows", "edges",
              "layers"});
        m.name = text(member(h, "", "network"), "network");
        m.weights = fingerprint(member(h, "", "weights"), "weights");
        m.images = static_cast<std::uint32_t>(integer(member(h, "", "images"), "images", 1,
                                                      std::numeric_limits<std::uint32_t>::max()));
        for (const json& s : list(member(h, "", "sources"), "sources"))
            m.sources.push_back(fingerprint(s, "sources"));
        if (!std::is_sorted(m.sources.begin(), m.sources.end()))
            throw fail("sources", "does not ascend");
        const auto count = [&](const char* key) {
            return static_cast<std::uint32_t>(integer(member(h, "", key), key, 0, m.images));
        };
        m.untouched = {count("top1"), count("top5"), 0.0};
        const json& loss = member(h, "", "loss");
        if (!loss.is_number()) throw fail("loss", "is not a number");
        m.untouched.loss = loss.get<double>();
        check(m.untouched, m.images, "header");
        read_network(h, m.net);
        const json& layers = list(member(h, "", "layers"), "layers");
        std::size_t i = 0;  // row
        for (std::size_t j = 0; j < layers.size(); ++j, ++i) {
            while (i < m.net.rows.size() && !is_compute(m.net.rows[i])) ++i;
            const std::string at = text_of({"layers[", j, "]."});
            only(layers[j], at, {"row", "thresholds", "measured", "lanes", "lists", "row_parts"});
            const auto place = static_cast<std::size_t>(
                integer(member(layers[j], at, "row"), at + "row", 0, most_rows));
            if (place != i || i == m.net.rows.size())
                throw fail(at + "row", "is not the next convolution or linear row");
            m.layers.emplace_back().place = place;
            extent sizes{};
            const auto two = [&](const char* key, std::size_t* to, int least) {
                const json& pair = list(member(layers[j], at, key), at + key);
                if (pair.size() != 2) throw fail(at + key, "is not a list of 2");
                for (std::size_t k = 0; k < 2; ++k)
                    to[k] = static_cast<std::size_t>(
                        integer(pair[k], at + key, least, most_thresholds));
            };
            two("thresholds", sizes.thresholds, 1);
            two("measured", sizes.measured, 0);
            read_dots(layers[j], at, m.net.rows[i], sizes);
            extents_.push_back(std::move(sizes));
        }
        while (i < m.net.rows.size() && !is_compute(m.net.rows[i])) ++i;
        if (i != m.net.rows.size()) throw fail("layers", "ends before row '" + name_of(m, i) + "'");
    }

    /// What was counted of whole dot products; a file may have none of it.
    void read_dots(const json& layer, const std::string& at, const layer_row& row,
                   extent& sizes) const {
        if (const auto lanes = layer.find("lanes"); lanes != layer.end())
            sizes.lanes = static_cast<std::size_t>(integer(*lanes, at + "lanes", 1, most_layouts));
        if (const auto parts = layer.find("row_parts"); parts != layer.end())
            sizes.rows =
                static_cast<std::size_t>(integer(*parts, at + "row_parts", row_parts, row_parts));
        const auto lists = layer.find("lists");
        if (lists == layer.end()) return;
        std::vector<int> known;
        for_each_list_count(row, [&](int n) { known.push_back(n); });
        for (const json& n : list(*lists, at + "lists"))
            sizes.lists.push_back(static_cast<int>(integer(n, at + "lists", 1, most_lists)));
        if (sizes.lists != known)
            throw fail(at + "lists", "are not those that the row can have; measure it again");
    }

    void read_network(const json& h, network& net) const {
        const json& rows = list(member(h, "", "rows"), "rows");
        if (rows.size() > most_rows) throw fail("rows", "has more than 65536 entries");
        std::vector<std::string_view> known{"name", "kind"};
        for (const row_field& field : row_fields) known.push_back(field.name);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::string at = text_of({"rows[", i, "]."});
            only(rows[i], at, known);
            layer_row r;
            const std::string kind = text(member(rows[i], at, "kind"), at + "kind");
            const auto found = std::find(layer_kind_names.begin(), layer_kind_names.end(), kind);
            if (found == layer_kind_names.end())
                throw fail(unknown_name(at + "kind", kind, layer_kind_names).what());
            r.kind = static_cast<layer_kind>(found - layer_kind_names.begin());
            for (const row_field& field : row_fields) {
                const auto value = rows[i].find(field.name);
                if (value == rows[i].end()) continue;
                const std::string where = at + std::string(field.name);
                std::vector<int> numbers;
                for (const json& x : list(*value, where))
                    numbers.push_back(static_cast<int>(integer(x, where, field.least, field.most)));
                const std::size_t expected = field.get(r).size();
                if (numbers.size() != expected)
                    throw fail(where, text_of({"is not a list of ", expected}));
                field.set(r, numbers);
            }
            if (r.form != function_form{} && r.kind != layer_kind::function)
                throw fail(at + "form", "is of functions only");
            if (r.transposed && r.kind != layer_kind::matmul)
                throw fail(at + "transposed", "is of matmuls only");
            net.rows.push_back(r);
            net.names.push_back(text(member(rows[i], at, "name"), at + "name"));
        }
        for (const json& e : list(member(h, "", "edges"), "edges")) {
            if (!e.is_array() || e.size() != 2) throw fail("edges", "is not a list of pairs");
            net.edges.push_back({static_cast<int>(integer(e[0], "edges", -1, most_rows)),
                                 static_cast<int>(integer(e[1], "edges", 0, most_rows))});
        }
        try {
            validate(net);
        } catch (const error& e) {
            throw fail(e.what());
        }
    }

    /// Bytes that the header's sizes ask for; at most 2^16 layers of 2^36 each.
    std::uint64_t body_size(const recorded_network& m) const {
        std::uint64_t bytes = 0;
        for (std::size_t j = 0; j < m.layers.size(); ++j) {
            const layer_row& row = m.net.rows[m.layers[j].place];
            bytes += 4 * 8;
            for (const window_histogram& h : empty_windows(row)) bytes += 2 * shares_of(h, row);
            for (std::size_t k = 0; k < 2; ++k)
                bytes += extents_[j].thresholds[k] *
                             (4 + 2 * (1 + static_cast<std::uint64_t>(row.in.channels))) +
                         extents_[j].measured[k] * 20;
            bytes += extents_[j].lanes * (6 * 4 + 8);
            for (const int lists : extents_[j].lists) bytes += 2 * lengths_of(row, lists);
            bytes += 8 * extents_[j].rows;
        }
        return bytes;
    }

    void check(const answers& a, std::uint32_t images, const std::string& at) const {
        if (a.top1 > a.top5 || a.top5 > images)
            throw fail(text_of(
                {at, ": ", a.top1, " and ", a.top5, " right answers for ", images, " images"}));
        if (!(a.loss >= 0.0 && a.loss <= 1e9))
            throw fail(at + ": a loss that is not within 0 and 1e9");
    }

    void read_layer(std::string_view& in, recorded_network& m, std::size_t j) const {
        recorded_layer& l = m.layers[j];
        const layer_row& row = m.net.rows[l.place];
        const std::string at = "layer '" + name_of(m, l.place) + "'";
        layer_statistics& s = l.natural;
        for (double* x : {&s.weight_sparsity, &s.activation_sparsity, &s.pair_sparsity,
                          &s.pair_sparsity_padded}) {
            *x = take<double>(in);
            if (!(*x >= 0.0 && *x <= 1.0))
                throw fail(at + ": a sparsity that is not within 0 and 1");
        }
        s.windows = empty_windows(row);
        for (window_histogram& h : s.windows) {
            const std::size_t width = static_cast<std::size_t>(h.length) + 1;
            h.share.resize(shares_of(h, row));
            for (std::size_t first = 0; first < h.share.size(); first += width) {
                int sum = 0;
                for (std::size_t z = 0; z < width; ++z) {
                    const auto steps = take<std::uint16_t>(in);
                    sum += steps;
                    h.share[first + z] = from_steps(steps);
                }
                if (sum != share_steps)
                    throw fail(text_of(
                        {at, ": shares of a window of ", h.channels, " channels do not sum to 1"}));
            }
        }
        for (std::size_t k = 0; k < 2; ++k) {
            const std::string tensor = at + (k == 0 ? ", weights" : ", activations");
            read_samples(in, k == 0 ? l.weights : l.activations, extents_[j].thresholds[k],
                         static_cast<std::size_t>(row.in.channels), tensor);
            sensitivity_curve& curve = k == 0 ? l.weight_curve : l.activation_curve;
            for (std::size_t i = 0; i < extents_[j].measured[k]; ++i) {
                curve.thresholds.push_back(take<float>(in));
                const auto top1 = take<std::uint32_t>(in);
                const auto top5 = take<std::uint32_t>(in);
                curve.answered.push_back({top1, top5, take<double>(in)});
                check(curve.answered.back(), m.images, tensor);
            }
            ascend(curve.thresholds, tensor);
            if (!curve.thresholds.empty() && !(curve.thresholds.front() > 0.0F))
                throw fail(tensor + ": measured at a threshold that is not above 0");
        }
        read_lanes(in, s, row, extents_[j].lanes, at);
        for (const int lanes : extents_[j].lists) {
            list_lengths& lengths = s.lists.emplace_back(list_lengths{lanes, {}});
            lengths.share.resize(lengths_of(row, lanes));
            int sum = 0;
            for (double& share : lengths.share) {
                const auto steps = take<std::uint16_t>(in);
                sum += steps, share = from_steps(steps);
            }
            if (sum != share_steps)
                throw fail(text_of({at, ": shares of ", lanes, " lists do not sum to 1"}));
        }
        for (std::size_t r = 0; r < extents_[j].rows; ++r) s.rows.push_back(take<double>(in));
        try {
            detail::validate_rows({}, s);
        } catch (const error& wrong) {
            throw fail(at + ": " + wrong.what());
        }
    }

    /// Lengths that a list can have.
    static std::size_t lengths_of(const layer_row& row, int lists) {
        return static_cast<std::size_t>(taps(row)) *
                   static_cast<std::size_t>(row.in.channels / lists) +
               1;
    }

    /// The layouts are those that engines are built with today, in their order.
    void read_lanes(std::string_view& in, layer_statistics& s, const layer_row& row,
                    std::size_t count, const std::string& at) const {
        if (count == 0) return;
        std::vector<lane_layout> known;
        for_each_lane_layout(row, [&](const lane_layout& l) { known.push_back(l); });
        std::sort(known.begin(), known.end());
        for (std::size_t i = 0; i < count; ++i) {
            lane_work& w = s.lanes.emplace_back();
            for (int lane_layout::*field :
                 {&lane_layout::in, &lane_layout::group, &lane_layout::macs, &lane_layout::vector,
                  &lane_layout::shared, &lane_layout::engines})
                w.layout.*field = static_cast<int>(take<std::uint32_t>(in) & 0x7fffffffU);
            w.cycles = take<double>(in);
            if (!(w.cycles >= 0.0 && w.cycles <= 1e9))
                throw fail(at + ": cycles of lanes that are not within 0 and 1e9");
            if (i >= known.size() || w.layout != known[i] || count != known.size())
                throw fail(at + ": lanes that the row does not have; measure it again");
        }
    }

    void ascend(const std::vector<float>& thresholds, const std::string& at) const {
        for (std::size_t i = 0; i < thresholds.size(); ++i)
            if (!std::isfinite(thresholds[i]) || (i > 0 && !(thresholds[i] > thresholds[i - 1])))
                throw fail(at + ": thresholds that do not ascend or are no numbers");
    }

    void read_samples(std::string_view& in, sampled_magnitudes& s, std::size_t count,
                      std::size_t channels, const std::string& at) const {
        for (std::size_t i = 0; i < count; ++i) s.thresholds.push_back(take<float>(in));
        ascend(s.thresholds, at);
        if (s.thresholds.front() != 0.0F) throw fail(at + ": the first threshold is not 0");
        s.whole.resize(count);
        for (std::uint16_t& x : s.whole) x = take<std::uint16_t>(in);
        s.channels.resize(count * channels);
        for (std::uint16_t& x : s.channels) x = take<std::uint16_t>(in);
        bool falls = !std::is_sorted(s.whole.begin(), s.whole.end());
        for (std::size_t i = channels; i < s.channels.size(); ++i)
            falls = falls || s.channels[i] < s.channels[i - channels];
        if (falls) throw fail(at + ": shares of zeros that do not ascend");
    }

    std::string source_;
    std::string_view header_;
    std::uint32_t body_crc_ = 0;
    std::vector<extent> extents_;  ///< one a layer
    static constexpr std::int64_t most_rows = 65536;
    static constexpr std::int64_t most_layouts = 1 << 20;
};

}  // namespace detail

/// \param source name for messages
/// \throws hass::error naming source and place: no statistics file, another version, cut short,
///         bytes too many, damaged, a field or number that cannot be
inline recorded_network parse_statistics(std::string_view content, const std::string& source) {
    return detail::statistics_reader(source).read(content);
}

}  // namespace hass
