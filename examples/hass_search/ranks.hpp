// hass_search under mpirun: rank 0 asks and tells, the other ranks judge.
#pragma once

#include <functional>
#include <memory>

#include "workers.hpp"

namespace hass_search {

/// Under mpirun, with more ranks than one; not started by the name of the program alone.
bool started_by_mpi();

/// Runs the program on all ranks.
/// \param lead   of rank 0, with the others as its workers
/// \param serve  makes what answers on the others
/// \returns the exit code
/// \throws hass::error where the program was built without MPI
int over_ranks(int& argc, char**& argv,
               const std::function<int(std::unique_ptr<workers> hands)>& lead,
               const std::function<answering()>& serve);

}  // namespace hass_search
