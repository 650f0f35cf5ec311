// Studies: ask and tell, kept in Optuna's journal where one is named; fronts.
#include <array>
#include <deque>
#include <hass/search/importance.hpp>
#include <hass/search/journal.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/study.hpp>
#include <mutex>
#include <optional>
#include <set>

#include "binding.hpp"

namespace hass_python {

namespace {

constexpr std::array<std::string_view, 3> kind_names{"real", "integer", "categorical"};
constexpr std::array<std::string_view, 2> direction_names{"minimise", "maximise"};
constexpr std::array<std::string_view, 5> state_names{"running", "ok", "infeasible", "failed",
                                                      "pruned"};
constexpr std::array<std::string_view, 5> journal_state_names{"running", "complete", "pruned",
                                                              "failed", "waiting"};

/// A `hass.Axis`.
hass::axis axis_of(py::handle a, const std::string& what) {
    const auto at = [&](const char* name) { return field(a, name, what); };
    hass::axis read;
    const std::string name = text(at("name"), what + ".name");
    const auto kind = named<hass::axis_kind>(at("kind"), kind_names, what + ".kind");
    if (kind == hass::axis_kind::categorical) {
        std::vector<std::string> choices;
        for (const py::object& c : items(at("choices"), what + ".choices"))
            choices.push_back(text(c, what + ".choices"));
        read = hass::categorical_axis(name, choices);
    } else {
        const double low = number(at("low"), what + ".low");
        const double high = number(at("high"), what + ".high");
        const double step = number(at("step"), what + ".step");
        if (kind == hass::axis_kind::integer) {
            read = hass::stepped_axis(name, low, high, step > 0.0 ? step : 1.0);
            read.kind = kind;
        } else {
            read = step > 0.0 ? hass::stepped_axis(name, low, high, step)
                              : hass::real_axis(name, low, high);
        }
        read.log = flag(at("log"), what + ".log");
    }
    if (const py::object fixed = at("fixed"); !fixed.is_none())
        read.fixed = number(fixed, what + ".fixed");
    return read;
}

hass::space space_of(py::handle axes) {
    std::vector<hass::axis> all;
    for (const py::object& a : items(axes, "axes"))
        all.push_back(axis_of(a, "axes[" + std::to_string(all.size()) + "]"));
    return hass::space(std::move(all));
}

hass::outcome outcome_of(const std::string& state, py::handle values, py::handle constraints,
                         const std::string& reason, std::int64_t step) {
    const std::vector<double> v = numbers(values, "values");
    if ((state == "failed" || state == "infeasible") && !v.empty())
        throw hass::error(
            "a trial with values is 'ok', or infeasible by a constraint above 0, not '" + state +
            "'");
    if (state == "failed") return hass::outcome::failed(reason);
    if (state == "pruned") {
        if (v.size() != 1) throw hass::error("a pruned trial has one intermediate value");
        return hass::outcome::pruned(step, v[0], reason);
    }
    const std::vector<double> c = numbers(constraints, "constraints");
    if (state == "infeasible") return hass::outcome::infeasible(c, reason);
    return hass::outcome::constrained(v, c, reason);
}

py::dict to_python(const hass::trial_record& r) {
    py::dict d;
    d["number"] = r.number, d["point"] = r.point, d["enqueued"] = r.enqueued;
    d["state"] = state_names[static_cast<std::size_t>(r.state())];
    d["values"] = r.result ? r.result->values() : std::vector<double>{};
    d["constraints"] = r.result ? r.result->constraints() : std::vector<double>{};
    d["reason"] = r.result ? r.result->reason() : std::string();
    return d;
}

py::list to_python(const std::vector<hass::trial_record>& all) {
    py::list list;
    for (const hass::trial_record& r : all) list.append(to_python(r));
    return list;
}

class study {
  public:
    /// \param start  points that are tried first
    study(py::handle axes, const std::string& optimizer, std::uint64_t seed, py::handle directions,
          std::optional<std::size_t> trials, py::handle start, const std::string& path,
          const std::string& name)
        : study(space_of(axes), optimizer, seed, directions_of(directions), trials) {
        for (const py::object& point : items(start, "start"))
            held_.enqueue(numbers(point, "start"));
        if (path.empty()) return;
        log_.emplace(path, name, held_.where(), held_.directions());
        if (!log_->past().told.empty()) differing_ = log_->resume(held_);
    }

    /// \param returnable  whether `take_back` may hand the trial out again
    py::object ask(bool returnable) {
        const auto one = unlocked([&]() -> std::optional<hass::trial> {
            const std::scoped_lock lock(mutex_);
            std::optional<hass::trial> next;
            if (!returned_.empty()) {
                next = hass::trial{returned_.front(), held_.record(returned_.front()).point};
                returned_.pop_front();
            } else {
                next = held_.ask();
            }
            if (next && returnable) out_.insert(next->number);
            return next;
        });
        if (!one) return py::none();
        return py::make_tuple(one->number, one->point);
    }
    /// Trials that a loop asked for and did not tell, since it was interrupted: the next to be handed
    /// out, so that none is lost.
    void take_back() {
        const std::scoped_lock lock(mutex_);
        returned_.insert(returned_.end(), out_.begin(), out_.end());
        out_.clear();
    }
    void tell(std::uint64_t number, const hass::outcome& result) {
        unlocked([&] {
            const std::scoped_lock lock(mutex_);
            held_.tell(number, result);
            out_.erase(number);
            std::erase(returned_, number);
            if (log_) log_->append(held_.record(number));
        });
    }
    hass::study<hass::any_optimizer>& held() { return held_; }
    std::size_t differing() const { return differing_; }
    std::string warning() const { return log_ ? log_->warning() : std::string(); }

  private:
    study(const hass::space& where, const std::string& optimizer, std::uint64_t seed,
          std::vector<hass::direction> directions, std::optional<std::size_t> trials)
        : held_(hass::make_optimizer(optimizer, where, seed), {std::move(directions), trials}) {}

    static std::vector<hass::direction> directions_of(py::handle names) {
        std::vector<hass::direction> all;
        for (const py::object& d : items(names, "directions"))
            all.push_back(named<hass::direction>(d, direction_names, "directions"));
        return all;
    }

    hass::study<hass::any_optimizer> held_;
    std::optional<hass::journal> log_;
    std::mutex mutex_;
    std::set<std::uint64_t> out_;         ///< returnable trials that nobody has told
    std::deque<std::uint64_t> returned_;  ///< to be handed out again
    std::size_t differing_ = 0;  ///< trials of the journal that this optimizer would not suggest
};

py::list read_journal(const std::string& path) {
    py::list studies;
    for (const hass::journal_study& s : hass::read_journal(path).studies) {
        if (s.deleted) continue;
        py::list directions, trials;
        for (const hass::direction d : s.directions)
            directions.append(direction_names[static_cast<std::size_t>(d)]);
        for (const hass::journal_trial& t : s.trials) {
            py::dict params;
            for (const auto& [name, value] : t.params) {
                const auto at = t.axes.find(name);
                const bool choice =
                    at != t.axes.end() && at->second.kind == hass::axis_kind::categorical;
                params[py::str(name)] = choice ? py::object(py::str(at->second.text(value)))
                                               : py::object(py::float_(value));
            }
            trials.append(py::make_tuple(journal_state_names[static_cast<std::size_t>(t.state)],
                                         t.values, params));
        }
        studies.append(py::make_tuple(s.name, directions, trials));
    }
    return studies;
}

std::vector<std::vector<double>> points_of(py::handle points) {
    std::vector<std::vector<double>> all;
    for (const py::object& p : items(points, "points"))
        all.push_back(numbers(p, "points[" + std::to_string(all.size()) + "]"));
    return all;
}

}  // namespace

void bind_study(py::module_& m) {
    py::class_<study>(m, "Study")
        .def(py::init<py::handle, const std::string&, std::uint64_t, py::handle,
                      std::optional<std::size_t>, py::handle, const std::string&,
                      const std::string&>())
        .def("take_back", &study::take_back)
        .def("ask", &study::ask)
        .def("tell",
             [](study& s, std::uint64_t number, const std::string& state, py::handle values,
                py::handle constraints, const std::string& reason, std::int64_t step) {
                 s.tell(number, outcome_of(state, values, constraints, reason, step));
             })
        .def("enqueue",
             [](study& s, py::handle point) { s.held().enqueue(numbers(point, "point")); })
        .def("best",
             [](study& s) -> py::object {
                 const auto best = s.held().best();
                 if (!best) return py::none();
                 return to_python(*best);
             })
        .def("front", [](study& s) { return to_python(s.held().front()); })
        .def("history", [](study& s) { return to_python(s.held().history()); })
        .def("record",
             [](study& s, std::uint64_t number) { return to_python(s.held().record(number)); })
        .def("may_be_left",
             [](study& s) { return unlocked([&] { return s.held().may_be_left(); }); })
        .def("importance",
             [](study& s, std::size_t objective) {
                 const auto found = unlocked([&] {
                     return hass::importance(s.held().where(), s.held().history(), objective);
                 });
                 py::dict shares;
                 for (const auto& one : found.shares) shares[py::str(one.axis)] = one.variance;
                 return py::make_tuple(shares, found.explained);
             })
        .def_property_readonly("conclusion", [](study& s) { return s.held().conclusion(); })
        .def_property_readonly("differing", &study::differing)
        .def_property_readonly("warning", &study::warning);
    m.def("optimizer_names", [] {
        std::vector<std::pair<std::string, std::string>> all;
        for (const hass::optimizer_name& n : hass::built_in_optimizer_names)
            all.emplace_back(n.name, n.summary);
        return all;
    });
    m.def("read_journal", &read_journal);
    m.def("non_dominated",
          [](py::handle points) { return hass::non_dominated(points_of(points)); });
    m.def("hypervolume", [](py::handle points, py::handle reference) {
        const auto all = points_of(points);
        const std::vector<double> below = numbers(reference, "reference");
        return unlocked([&] { return hass::hypervolume(all, below); });
    });
}

}  // namespace hass_python
