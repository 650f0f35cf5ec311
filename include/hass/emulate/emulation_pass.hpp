/// \file emulation_pass.hpp
/// The run itself: batches of images through the rows of a program, on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/emulation.hpp>
#include <hass/emulate/prepared_weights.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/workers.hpp>
#include <hass/error.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>

namespace hass::detail {

inline std::vector<std::size_t> in_order(std::size_t count) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
}

/// Values in front of row `row`, one piece a batch: where a run can begin instead of at the images.
struct checkpoint {
    std::size_t row = 0;
    std::vector<std::vector<float>> batches;
};

/// One set of thresholds on its way through the images, batch by batch.
template <EmulationBackend Backend>
class emulation_pass {
  public:
    /// \param order    numbers of the images, in the order in which they are run
    /// \param visited  a batch lies wholly within the first so many images, or beyond them, so that
    ///                 statistics cover exactly the images asked for; and as to
    ///                 `options.product_images`
    emulation_pass(const program& p, const Backend& backend, prepared_weights<Backend>& weights,
                   const image_set& images, std::span<const std::size_t> order,
                   const network_thresholds& thresholds, const emulation_options& options,
                   std::size_t visited)
        : program_(p),
          backend_(backend),
          weights_(weights),
          images_(images),
          order_(order),
          thresholds_(thresholds),
          threads_(options.threads),
          visited_(std::min(visited, order.size())) {
        const std::size_t batch = batch_size(options);
        for (std::size_t first = 0; first < order.size();) {
            const std::size_t products = std::min(options.product_images, visited_);
            const std::size_t end = first < products   ? products
                                    : first < visited_ ? visited_
                                                       : order.size();
            firsts_.push_back(first);
            first += std::min(batch, end - first);
        }
        firsts_.push_back(order.size());
        spaces_.resize(worker_count(threads_, batches()));
        answers_.resize(order.size() * p.classes());
    }

    std::size_t batches() const { return firsts_.size() - 1; }
    std::size_t workers() const { return spaces_.size(); }
    /// Images in the batches before `batch`.
    std::size_t images_before(std::size_t batch) const { return firsts_[batch]; }
    /// The network's answers, images in their order x classes.
    std::vector<float>& answers() { return answers_; }
    const std::vector<float>& answers() const { return answers_; }
    /// ... to the n-th image.
    std::span<const float> answer(std::size_t n) const {
        return std::span(answers_).subspan(n * program_.classes(), program_.classes());
    }

    /// Begins at what `from` holds instead of at the images.
    void begin_at(const checkpoint& from) { from_ = &from; }
    /// Fills `to` with the values in front of `row`, which must not stand before the beginning.
    void keep_at(std::size_t row, checkpoint& to) {
        to.row = row;
        to.batches.assign(batches(), {});
        to_ = &to;
    }

    /// Runs batches [first, last) and refuses answers that are not finite: they would count as
    /// right or wrong by accident. What is infinite on its way and comes out finite may be right,
    /// and costs nothing to let pass. visit(worker, row, tensors, images) sees the input of
    /// every compute row for the batches that are visited, as it comes, channel by channel and as
    /// planes, where they had to be made clipped.
    /// \throws hass::error naming the layer that gave the first value that is not finite
    template <class Visit>
    void run(std::size_t first, std::size_t last, Visit visit) {
        prepare();
        std::atomic<std::size_t> bad{order_.size()};  // first image of such a batch, at last
        in_parallel(threads_, last - first, [&](std::size_t worker, std::size_t k) {
            typename Backend::workspace& space = spaces_[worker];
            const std::size_t b = first + k;
            if (firsts_[b] > bad) return;
            const std::size_t size = firsts_[b + 1] - firsts_[b];
            const std::size_t begin = from_ != nullptr ? from_->row : 0;
            if (from_ != nullptr)
                backend_.restore(begin, size, from_->batches[b], space);
            else
                backend_.load(images_, order_.subspan(firsts_[b], size), space);
            for (std::size_t i = begin; i < program_.rows().size(); ++i) {
                if (to_ != nullptr && to_->row == i)
                    to_->batches[b] = backend_.save(i, size, space);
                backend_.execute(i, *prepared_[i], thresholds_[i], size, space, [&](auto tensors) {
                    if (firsts_[b] >= visited_) return;
                    visit(worker, i, tensors(), size);
                });
            }
            const std::span<float> given = std::span(answers_).subspan(
                firsts_[b] * program_.classes(), size * program_.classes());
            backend_.answers(size, space, given);
            if (all_finite(given)) return;
            std::size_t before = bad;
            while (firsts_[b] < before && !bad.compare_exchange_weak(before, firsts_[b])) {
            }
        });
        for (std::size_t n = bad; n < order_.size(); ++n)
            if (!all_finite(answer(n))) throw not_finite(n);
    }

  private:
    /// Few enough that a batch's maps stay in the cache, enough to fill the columns of a product.
    std::size_t batch_size(const emulation_options& options) const {
        if (options.batch > 0) return static_cast<std::size_t>(options.batch);
        constexpr std::size_t cached_floats = std::size_t{1} << 20;
        return std::clamp<std::size_t>(cached_floats / program_.schedule.floats_per_image(), 2, 16);
    }

    /// Of a row without weights: none.
    typename prepared_weights<Backend>::pointer prepare(std::size_t i) const {
        if (has_weights(program_.rows()[i]))
            return weights_.of(program_, backend_, i, thresholds_[i]);
        return std::make_shared<const typename Backend::weights>();
    }

    /// Runs the n-th image once more, row by row, for the one that gave the first value that is not
    /// finite.
    error not_finite(std::size_t n) const {
        const hass::model& m = program_.model;
        const std::string source = m.source.empty() ? std::string() : m.source + ": ";
        const std::string image = text_of({"image ", order_[n], ": "});
        typename Backend::workspace space;
        backend_.load(images_, order_.subspan(n, 1), space);
        std::size_t row = 0;
        if (!all_finite(backend_.save(0, 1, space)))
            return error(source + "images: " + image + "a value is not finite");
        for (; row + 1 < program_.rows().size(); ++row) {
            backend_.execute(row, *prepare(row), thresholds_[row], 1, space, [](auto) {});
            if (!program_.schedule[row].done && !all_finite(backend_.output(row, 1, space))) break;
        }
        return error(source + "layer '" + name_of(m.net, row) + "' (" +
                     std::string(name(program_.rows()[row].kind)) + "): " + image +
                     "a value is not finite, nor is the answer");
    }

    void prepare() {
        if (!prepared_.empty()) return;
        prepared_.resize(program_.rows().size());
        const std::size_t begin = from_ != nullptr ? from_->row : 0;
        in_parallel(threads_, prepared_.size() - begin,
                    [&](std::size_t, std::size_t k) { prepared_[begin + k] = prepare(begin + k); });
    }

    const program& program_;
    const Backend& backend_;
    prepared_weights<Backend>& weights_;
    const image_set& images_;
    std::span<const std::size_t> order_;
    const network_thresholds& thresholds_;
    int threads_;
    std::size_t visited_;
    std::vector<std::size_t> firsts_;  ///< first image of each batch, and the end
    std::vector<typename prepared_weights<Backend>::pointer> prepared_;
    std::vector<typename Backend::workspace> spaces_;
    std::vector<float> answers_;
    const checkpoint* from_ = nullptr;
    checkpoint* to_ = nullptr;
};

}  // namespace hass::detail
