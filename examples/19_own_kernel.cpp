// A kernel of one's own: what is known about an objective, told to the Gaussian process. Here, that
// it is linear in its axes, but for what Matern's covariance says about the rest.
#include <cstdio>
#include <hass/search/gaussian_process.hpp>
#include <hass/search/study.hpp>

/// k(x, y) = b (x - 1/2) . (y - 1/2) + Matern: two parts, so parameters and slopes of both.
struct linear_and_matern {
    struct covariance {
        double scale;
        std::size_t columns;
        hass::matern_covariance rest;

        double linear(const double* x, const double* y) const {
            double sum = 0.0;
            for (std::size_t d = 0; d < columns; ++d) sum += (x[d] - 0.5) * (y[d] - 0.5);
            return scale * sum;
        }
        double operator()(const double* x, const double* y) const {
            return linear(x, y) + rest(x, y);
        }
        void add_parameter_slopes(const double* x, const double* y, double weight,
                                  double* slopes) const {
            slopes[0] += weight * linear(x, y);  // by ln b
            rest.add_parameter_slopes(x, y, weight, slopes + 1);
        }
        void add_point_slopes(const double* x, const double* y, double weight,
                              double* slopes) const {
            for (std::size_t d = 0; d < columns; ++d) slopes[d] += weight * scale * (y[d] - 0.5);
            rest.add_point_slopes(x, y, weight, slopes);
        }
    };

    std::vector<hass::parameter_range> parameters(std::size_t columns) const {
        std::vector<hass::parameter_range> all{{0.0, -8.0, 8.0}};
        for (const hass::parameter_range& r : rest.parameters(columns)) all.push_back(r);
        return all;
    }
    double log_prior(std::span<const double> parameters, std::span<double> slopes) const {
        return hass::normal_log_prior(parameters[0], 0.0, 2.0, slopes[0]) +
               rest.log_prior(parameters.subspan(1), slopes.subspan(1));
    }
    covariance at(std::span<const double> parameters) const {
        return {hass::stable_exp(parameters[0]), parameters.size() - 2,
                rest.at(parameters.subspan(1))};
    }
    hass::matern rest;
};
static_assert(hass::Kernel<linear_and_matern>);

int main() {
    std::vector<hass::axis> axes;
    for (const char* name : {"a", "b", "c", "d", "e", "f"})
        axes.push_back(hass::real_axis(name, 0.0, 1.0));
    hass::study study(hass::gaussian_process<linear_and_matern>(hass::space(axes), /*seed*/ 1));
    study.run(40, [](std::span<const double> p) {
        double cost = 0.0;
        for (const double x : p) cost += x + 2.0 * (x - 0.3) * (x - 0.3);
        return cost;
    });
    std::printf("%s; at most %.2g may be left\n", study.conclusion().c_str(),
                study.may_be_left().value_or(0.0));
}
