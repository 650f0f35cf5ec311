/// \file store.hpp
/// What was measured of a trained network, in one file: how accurate it is when one tensor alone is
/// clipped, and how many values of each channel that zeroes. It stands in for images: a search can
/// ask it for accuracy and statistics at any thresholds.
///
/// Both answers are approximations, and named as such: losses of accuracy of single tensors are
/// added up, and zeros of weights and activations are taken as independent within a channel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// One tensor (a layer's weights or its input) at ascending thresholds, the first of them 0.
struct tensor_sensitivity {
    std::vector<double> thresholds;
    std::vector<double> sparsity;  ///< share of zeros at each threshold
    std::vector<double> top1;      ///< accuracy of the network with this tensor alone clipped
    /// Share of zeros of each input channel, thresholds x in.channels, in steps of 1/1000.
    std::vector<double> channels;

    /// Value of `samples` (one a threshold) at `tau`: linear in between, the last one beyond.
    double at(std::span<const double> samples, double tau) const {
        const auto [i, part] = place(tau);
        return part > 0.0 ? samples[i] + part * (samples[i + 1] - samples[i]) : samples[i];
    }
    /// Share of zeros of channel `c` of `count`.
    double channel_sparsity(double tau, std::size_t c, std::size_t count) const {
        const auto [i, part] = place(tau);
        const double here = channels[i * count + c];
        return part > 0.0 ? here + part * (channels[(i + 1) * count + c] - here) : here;
    }
    /// Accuracy lost at `tau`; beyond the last threshold it grows in proportion.
    double loss(double tau) const {
        const double lost = top1.front() - at(top1, tau);
        return tau > thresholds.back() && thresholds.back() > 0.0 ? lost * tau / thresholds.back()
                                                                  : lost;
    }

    bool operator==(const tensor_sensitivity&) const = default;

  private:
    /// The last threshold not above `tau`, and how far `tau` is on the way to the next.
    std::pair<std::size_t, double> place(double tau) const {
        const auto next = std::upper_bound(thresholds.begin(), thresholds.end(), tau);
        if (next == thresholds.begin()) return {0, 0.0};
        const auto i = static_cast<std::size_t>(next - thresholds.begin()) - 1;
        if (next == thresholds.end()) return {i, 0.0};
        return {i, (tau - thresholds[i]) / (thresholds[i + 1] - thresholds[i])};
    }
};

/// One compute row of the table.
struct layer_sensitivity {
    std::string name;
    layer_row row;
    tensor_sensitivity weight;
    tensor_sensitivity activation;

    bool operator==(const layer_sensitivity&) const = default;
};

/// Measured sensitivities and distributions of a network; an AccuracyModel.
struct measured_table {
    std::string network;     ///< where the network came from, for people
    std::size_t images = 0;  ///< measured on so many
    double top1 = 0.0;       ///< nothing clipped, share in [0, 1]
    double top5 = 0.0;
    std::size_t rows = 0;                   ///< of the network, compute rows and others
    std::vector<std::size_t> places;        ///< index of each compute row among them
    std::vector<layer_sensitivity> layers;  ///< one a compute row

    bool operator==(const measured_table&) const = default;

    /// \throws hass::error when the table was measured on another network
    void check(const network_view& net) const;

    /// Accuracy predicted as top1 minus the sum of the losses of single tensors, in [0, 1].
    /// \param thresholds one entry a row of the network
    double accuracy(const network_thresholds& thresholds) const {
        check_size(thresholds);
        double answer = top1;
        for (std::size_t j = 0; j < layers.size(); ++j) {
            answer -= layers[j].weight.loss(thresholds[places[j]].weight);
            answer -= layers[j].activation.loss(thresholds[places[j]].activation);
        }
        return std::clamp(answer, 0.0, 1.0);
    }

    /// Statistics predicted from the channels' sparsities, zeros of weights and activations taken
    /// as independent within a channel and from tap to tap. One entry a row.
    network_statistics statistics(const network_thresholds& thresholds) const {
        check_size(thresholds);
        network_statistics all(rows);
        for (std::size_t j = 0; j < layers.size(); ++j)
            all[places[j]] = statistics(layers[j], thresholds[places[j]]);
        return all;
    }

    /// Distributions of |x| as far as the table knows them, resampled, for the mapping of search
    /// axes to thresholds; only those of whole layers.
    network_magnitudes magnitudes() const {
        network_magnitudes all(rows);
        for (std::size_t j = 0; j < layers.size(); ++j) {
            all[places[j]].weights = exact_magnitudes(resample(layers[j].weight));
            all[places[j]].activations.add(resample(layers[j].activation));
        }
        return all;
    }

  private:
    void check_size(const network_thresholds& thresholds) const {
        if (thresholds.size() != rows)
            throw error("thresholds: " + std::to_string(thresholds.size()) +
                        " entries for a network of " + std::to_string(rows) + " rows");
    }

    /// Values whose shares below each threshold are those of the table; what is never zeroed is
    /// spread above the last threshold, up to twice its value.
    static std::vector<float> resample(const tensor_sensitivity& t) {
        constexpr int count = 4096;
        std::vector<float> values;
        for (int i = 0; i < count; ++i) {
            const double share = (i + 0.5) / count;
            const auto above = std::upper_bound(t.sparsity.begin(), t.sparsity.end(), share);
            const auto k = static_cast<std::size_t>(above - t.sparsity.begin());
            if (k == 0) {
                values.push_back(0.0F);
                continue;
            }
            const bool last = k == t.sparsity.size();
            const double low = t.thresholds[k - 1];
            const double high = last ? 2.0 * low + 1e-6 : t.thresholds[k];
            const double to = last ? 1.0 : t.sparsity[k];
            const double part = (share - t.sparsity[k - 1]) / (to - t.sparsity[k - 1]);
            values.push_back(static_cast<float>(low + part * (high - low)));
        }
        return values;
    }

    /// Share of output positions at which each tap lies inside the map, K of them.
    static std::vector<double> inside_shares(const layer_row& row) {
        std::vector<double> shares;
        for (int ky = 0; ky < row.kernel_h; ++ky)
            for (int kx = 0; kx < row.kernel_w; ++kx)
                shares.push_back(
                    static_cast<double>(detail::inside(row.out.height, row.in.height, row.stride_h,
                                                       row.pad_top, ky * row.dilation_h) *
                                        detail::inside(row.out.width, row.in.width, row.stride_w,
                                                       row.pad_left, kx * row.dilation_w)) /
                    static_cast<double>(row.out.pixels()));
        return shares;
    }

    static layer_statistics statistics(const layer_sensitivity& layer,
                                       const layer_thresholds& tau) {
        const layer_row& row = layer.row;
        const auto channels = static_cast<std::size_t>(row.in.channels);
        const std::vector<double> inside = inside_shares(row);
        std::vector<double> alive(channels);  // chance of a pair inside the map, by channel
        double sum = 0.0;
        for (std::size_t c = 0; c < channels; ++c) {
            alive[c] = (1.0 - layer.weight.channel_sparsity(tau.weight, c, channels)) *
                       (1.0 - layer.activation.channel_sparsity(tau.activation, c, channels));
            sum += alive[c];
        }
        double inside_sum = 0.0;
        for (const double share : inside) inside_sum += share;
        const double mean = sum / static_cast<double>(channels);
        layer_statistics s;
        s.weight_sparsity = layer.weight.at(layer.weight.sparsity, tau.weight);
        s.activation_sparsity = layer.activation.at(layer.activation.sparsity, tau.activation);
        s.pair_sparsity = 1.0 - mean;
        s.pair_sparsity_padded = 1.0 - mean * inside_sum / static_cast<double>(inside.size());
        const int widest = window_shape(row).channels;
        for (int width = 1; width <= widest; width *= 2) {
            window_histogram h{width, width * taps(row), {}};
            for (std::size_t first = 0; first < channels;
                 first += static_cast<std::size_t>(width)) {
                std::vector<double> share{1.0};
                for (std::size_t c = first; c < first + static_cast<std::size_t>(width); ++c)
                    for (const double reached : inside) share = one_more(share, alive[c] * reached);
                h.share.insert(h.share.end(), share.begin(), share.end());
            }
            s.windows.push_back(std::move(h));
        }
        return s;
    }

    /// Distribution of a count when one more independent pair survives with chance p.
    static std::vector<double> one_more(const std::vector<double>& share, double p) {
        std::vector<double> next(share.size() + 1, 0.0);
        for (std::size_t z = 0; z < share.size(); ++z) {
            next[z] += share[z] * (1.0 - p);
            next[z + 1] += share[z] * p;
        }
        return next;
    }
};

inline void measured_table::check(const network_view& net) const {
    const auto other = [&](const std::string& what) {
        return error("statistics of '" + network + "' are of another network: " + what);
    };
    if (net.size() != rows)
        throw other(std::to_string(rows) + " rows, the network has " + std::to_string(net.size()));
    std::size_t j = 0;
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!is_compute(net[i])) continue;
        if (j == layers.size() || places[j] != i || layers[j].row != net[i])
            throw other("layer '" + name_of(net, i) + "' is not what was measured");
        ++j;
    }
    if (j != layers.size()) throw other("layer '" + layers[j].name + "' does not exist there");
}

inline constexpr std::string_view table_format = "hass measured table";
inline constexpr int table_version = 1;

namespace detail {

using nlohmann::json;

inline json to_json(const layer_row& r) {
    return {{"kind", name(r.kind)},
            {"in", {r.in.channels, r.in.height, r.in.width}},
            {"out", {r.out.channels, r.out.height, r.out.width}},
            {"kernel", {r.kernel_h, r.kernel_w}},
            {"stride", {r.stride_h, r.stride_w}},
            {"pad", {r.pad_top, r.pad_left, r.pad_bottom, r.pad_right}},
            {"dilation", {r.dilation_h, r.dilation_w}},
            {"groups", r.groups},
            {"bias", r.bias}};
}

inline json rounded(const std::vector<double>& values, double steps) {
    json out = json::array();
    for (const double x : values) out.push_back(std::round(x * steps) / steps);
    return out;
}

inline json to_json(const tensor_sensitivity& t) {
    json channels = json::array();
    for (const double x : t.channels) channels.push_back(std::lround(x * 1000.0));
    return {{"thresholds", t.thresholds},
            {"sparsity", rounded(t.sparsity, 1e6)},
            {"top1", rounded(t.top1, 1e6)},
            {"channels", std::move(channels)}};
}

/// Reads a table and names what is wrong with it: file, path of the field, reason.
class table_reader {
  public:
    explicit table_reader(std::string source) : source_(std::move(source)) {}

    measured_table read(const json& file) const {
        measured_table t;
        if (text(file, "format", "") != table_format) fail("format", "is not a measured table");
        const int version = integer(file, "version", "", 0, 1 << 30);
        if (version != table_version)
            fail("version", "is " + std::to_string(version) + ", this library reads " +
                                std::to_string(table_version));
        t.network = text(file, "network", "");
        t.images = static_cast<std::size_t>(integer(file, "images", "", 1, 1 << 30));
        t.top1 = share(field(file, "top1", ""), "top1");
        t.top5 = share(field(file, "top5", ""), "top5");
        t.rows = static_cast<std::size_t>(integer(file, "rows", "", 1, 1 << 20));
        const json& layers = field(file, "layers", "");
        if (!layers.is_array()) fail("layers", "is not a list");
        for (std::size_t j = 0; j < layers.size(); ++j) {
            const std::string at = "layers[" + std::to_string(j) + "]";
            const auto place = static_cast<std::size_t>(
                integer(layers[j], "place", at, 0, static_cast<int>(t.rows) - 1));
            if (!t.places.empty() && place <= t.places.back())
                fail(at + ".place", "does not ascend");
            t.places.push_back(place);
            t.layers.push_back(layer(layers[j], at));
        }
        return t;
    }

  private:
    [[noreturn]] void fail(const std::string& at, const std::string& what) const {
        throw error(source_ + ": field '" + at + "' " + what);
    }
    static std::string join(const std::string& at, const char* key) {
        return at.empty() ? key : at + "." + key;
    }

    const json& field(const json& object, const char* key, const std::string& at) const {
        if (!object.is_object() || !object.contains(key)) fail(join(at, key), "is missing");
        return object.at(key);
    }
    std::string text(const json& object, const char* key, const std::string& at) const {
        const json& value = field(object, key, at);
        if (!value.is_string()) fail(join(at, key), "is not a text");
        return value.get<std::string>();
    }
    int integer(const json& value, const std::string& at, int low, int high) const {
        if (!value.is_number_integer()) fail(at, "is not an integer");
        const bool large = value.is_number_unsigned() &&
                           value.get<std::uint64_t>() > static_cast<std::uint64_t>(high);
        const auto number = large ? std::int64_t{high} + 1 : value.get<std::int64_t>();
        if (number < low || number > high)
            fail(at, "is not within " + std::to_string(low) + " and " + std::to_string(high));
        return static_cast<int>(number);
    }
    int integer(const json& object, const char* key, const std::string& at, int low,
                int high) const {
        return integer(field(object, key, at), join(at, key), low, high);
    }
    double share(const json& value, const std::string& at) const {
        if (!value.is_number()) fail(at, "is not a number");
        const auto number = value.get<double>();
        if (!(number >= 0.0 && number <= 1.0)) fail(at, "is not within 0 and 1");
        return number;
    }
    const json& list(const json& object, const char* key, const std::string& at,
                     std::size_t count) const {
        const json& value = field(object, key, at);
        if (!value.is_array() || value.size() != count)
            fail(join(at, key), "is not a list of " + std::to_string(count));
        return value;
    }

    /// Small positive integers: shapes, kernels, paddings.
    void integers(const json& object, const char* key, const std::string& at, int low,
                  std::initializer_list<int*> to) const {
        const json& values = list(object, key, at, to.size());
        std::size_t i = 0;
        for (int* x : to) *x = integer(values[i++], join(at, key), low, 1 << 20);
    }

    layer_row row(const json& value, const std::string& at) const {
        layer_row r;
        const std::string kind = text(value, "kind", at);
        if (kind == name(layer_kind::linear))
            r.kind = layer_kind::linear;
        else if (kind != name(layer_kind::convolution))
            fail(at + ".kind", "is neither convolution nor linear");
        integers(value, "in", at, 1, {&r.in.channels, &r.in.height, &r.in.width});
        integers(value, "out", at, 1, {&r.out.channels, &r.out.height, &r.out.width});
        integers(value, "kernel", at, 1, {&r.kernel_h, &r.kernel_w});
        integers(value, "stride", at, 1, {&r.stride_h, &r.stride_w});
        integers(value, "pad", at, 0, {&r.pad_top, &r.pad_left, &r.pad_bottom, &r.pad_right});
        integers(value, "dilation", at, 1, {&r.dilation_h, &r.dilation_w});
        r.groups = integer(value, "groups", at, 1, r.in.channels);
        const json& bias = field(value, "bias", at);
        if (!bias.is_boolean()) fail(at + ".bias", "is neither true nor false");
        r.bias = bias.get<bool>();
        const network net{{r}, {{network_input, 0}}, {at}};
        try {
            validate(net);
        } catch (const error& e) {
            throw error(source_ + ": " + e.what());
        }
        return r;
    }

    tensor_sensitivity tensor(const json& object, const char* key, const std::string& parent,
                              std::size_t channels) const {
        const json& value = field(object, key, parent);
        const std::string at = join(parent, key);
        const json& thresholds = field(value, "thresholds", at);
        if (!thresholds.is_array() || thresholds.empty())
            fail(at + ".thresholds", "is not a list of numbers");
        tensor_sensitivity t;
        for (const json& tau : thresholds) {
            if (!tau.is_number() || !std::isfinite(tau.get<double>()))
                fail(at + ".thresholds", "is not a list of numbers");
            t.thresholds.push_back(tau.get<double>());
        }
        const std::size_t points = t.thresholds.size();
        if (t.thresholds.front() != 0.0) fail(at + ".thresholds", "does not begin with 0");
        for (std::size_t i = 1; i < points; ++i)
            if (!(t.thresholds[i] > t.thresholds[i - 1]))
                fail(at + ".thresholds", "does not ascend");
        for (const json& x : list(value, "sparsity", at, points))
            t.sparsity.push_back(share(x, at + ".sparsity"));
        if (!std::is_sorted(t.sparsity.begin(), t.sparsity.end()))
            fail(at + ".sparsity", "does not ascend");
        for (const json& x : list(value, "top1", at, points))
            t.top1.push_back(share(x, at + ".top1"));
        for (const json& x : list(value, "channels", at, points * channels))
            t.channels.push_back(integer(x, at + ".channels", 0, 1000) / 1000.0);
        return t;
    }

    layer_sensitivity layer(const json& value, const std::string& at) const {
        layer_sensitivity l;
        l.name = text(value, "name", at);
        l.row = row(field(value, "row", at), join(at, "row"));
        const auto channels = static_cast<std::size_t>(l.row.in.channels);
        l.weight = tensor(value, "weight", at, channels);
        l.activation = tensor(value, "activation", at, channels);
        return l;
    }

    std::string source_;
};

}  // namespace detail

/// The file's content for a table: one JSON object. Accuracies and sparsities are rounded to 1e-6,
/// those of channels to 1e-3.
inline std::string format_table(const measured_table& t) {
    detail::json layers = detail::json::array();
    for (std::size_t j = 0; j < t.layers.size(); ++j)
        layers.push_back({{"name", t.layers[j].name},
                          {"place", t.places[j]},
                          {"row", detail::to_json(t.layers[j].row)},
                          {"weight", detail::to_json(t.layers[j].weight)},
                          {"activation", detail::to_json(t.layers[j].activation)}});
    const detail::json file{{"format", table_format},
                            {"version", table_version},
                            {"network", t.network},
                            {"images", t.images},
                            {"top1", std::round(t.top1 * 1e6) / 1e6},
                            {"top5", std::round(t.top5 * 1e6) / 1e6},
                            {"rows", t.rows},
                            {"layers", std::move(layers)}};
    return file.dump(-1, ' ', false, detail::json::error_handler_t::replace) + "\n";
}

/// Reads a table from a file's content. \param source name for messages
/// \throws hass::error naming source and field: no JSON or cut short, another format or version, a
///         value missing, of another type or out of range
inline measured_table parse_table(std::string_view content, const std::string& source) {
    detail::json file;
    try {
        file = detail::json::parse(content);
    } catch (const detail::json::parse_error& e) {
        throw error(source + ": is not JSON or cut short (byte " + std::to_string(e.byte) + " of " +
                    std::to_string(content.size()) + ")");
    }
    return detail::table_reader(source).read(file);
}

/// Writes a table, by way of a temporary file beside it, so that it is whole or absent.
/// \throws hass::error naming the file
inline void write_table(const std::filesystem::path& path, const measured_table& t) {
    write_whole(path, format_table(t));
}

/// Reads a table. \throws hass::error naming file and field, as `parse_table`
inline measured_table read_table(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path))
        throw error(path.string() + ": cannot be opened for reading");
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    return parse_table(content, path.string());
}

/// The same, for this network. \throws hass::error also when it was measured on another one
inline measured_table read_table(const std::filesystem::path& path, const network_view& net) {
    measured_table t = read_table(path);
    try {
        t.check(net);
    } catch (const error& e) {
        throw error(path.string() + ": " + e.what());
    }
    return t;
}

}  // namespace hass
