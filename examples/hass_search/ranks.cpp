#include "ranks.hpp"

#include <cstdlib>
#include <hass/error.hpp>
#include <string>
#include <utility>
#include <vector>

#if defined(HASS_SEARCH_MPI)
#include <hass/search/mpi.hpp>
#endif

namespace hass_search {

bool started_by_mpi() {
    for (const char* size : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"})
        if (const char* ranks = std::getenv(size); ranks != nullptr && std::atoi(ranks) > 1)
            return true;
    return false;
}

#if defined(HASS_SEARCH_MPI)

namespace {

class ranks final : public workers {
  public:
    explicit ranks(hass::mpi_world& world) : world_(world) {}
    std::size_t size() const override { return static_cast<std::size_t>(world_.size() - 1); }
    void send(std::size_t to, const std::string& text) override {
        world_.send(static_cast<int>(to) + 1, hass::detail::tag::work, {text.begin(), text.end()});
    }
    std::optional<letter> receive() override {
        const auto message = world_.receive();
        if (!message) std::this_thread::sleep_for(hass::detail::pause);
        if (!message || message->what != hass::detail::tag::answer) return std::nullopt;
        return letter{static_cast<std::size_t>(message->from) - 1,
                      std::string(message->bytes.begin(), message->bytes.end())};
    }

  private:
    hass::mpi_world& world_;
};

}  // namespace

int over_ranks(int& argc, char**& argv,
               const std::function<int(std::unique_ptr<workers> hands)>& lead,
               const std::function<answering()>& serve) {
    hass::mpi_world world(argc, argv);
    if (world.leads()) return world.leave(lead(std::make_unique<ranks>(world)));
    const answering answer = serve();
    return hass::serve_letters(world, [&](const std::vector<char>& task) {
        const std::string text = answer(std::string(task.begin(), task.end()));
        return std::vector<char>(text.begin(), text.end());
    });
}

#else

int over_ranks(int&, char**&, const std::function<int(std::unique_ptr<workers>)>&,
               const std::function<answering()>&) {
    throw hass::error(
        "started by mpirun, but built without MPI: every rank would search for itself; --workers "
        "shares out trials on one machine");
}

#endif

}  // namespace hass_search
