/// \file any_optimizer.hpp
/// An optimizer of a type chosen at run time. For the edge of a program; inside, use the template
/// parameter of study.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>

namespace hass {

/// Owns any Optimizer; moves, does not copy.
class any_optimizer {
  public:
    /// Takes over any optimizer.
    template <Optimizer O>
    requires(!std::same_as<std::remove_cvref_t<O>, any_optimizer>) any_optimizer(O optimizer)
        : held_(std::make_unique<model<O>>(std::move(optimizer))) {}

    std::optional<trial> ask() { return held_->ask(); }
    void tell(const trial& told, const outcome& result) { held_->tell(told, result); }
    const space& where() const { return held_->where(); }
    /// As the held optimizer does; a foreign trial when it cannot adopt.
    trial adopt(std::vector<double> point) { return held_->adopt(std::move(point)); }
    /// As the held optimizer says; nullopt when it does not.
    std::optional<double> may_be_left() { return held_->may_be_left(); }

  private:
    struct base {
        virtual ~base() = default;
        virtual std::optional<trial> ask() = 0;
        virtual void tell(const trial&, const outcome&) = 0;
        virtual const space& where() const = 0;
        virtual trial adopt(std::vector<double>) = 0;
        virtual std::optional<double> may_be_left() = 0;
    };
    template <class O>
    struct model final : base {
        explicit model(O optimizer) : held(std::move(optimizer)) {}
        std::optional<trial> ask() override { return held.ask(); }
        void tell(const trial& t, const outcome& r) override { held.tell(t, r); }
        const space& where() const override { return held.where(); }
        trial adopt(std::vector<double> point) override {
            if constexpr (AdoptingOptimizer<O>) {
                return held.adopt(std::move(point));
            } else {
                return trial{trial::foreign, std::move(point)};
            }
        }
        std::optional<double> may_be_left() override {
            if constexpr (AssessingOptimizer<O>) {
                return held.may_be_left();
            } else {
                return std::nullopt;
            }
        }
        O held;
    };
    std::unique_ptr<base> held_;
};

static_assert(AdoptingOptimizer<any_optimizer>);

}  // namespace hass
