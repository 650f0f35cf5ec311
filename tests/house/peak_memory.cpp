// Gate on the cost of including headers: peak_memory <allowed MiB> <base> <headers> <compiler> <flags...>
// Compiles two files and fails when the second takes more than <allowed> above the first. Memory is
// repeatable where seconds are not.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

/// Peak memory in MiB of the largest process among compiler driver and compiler; below 0: failed.
/// \param command  compiler and flags; its last place but the end is for the source
double peak(std::vector<char*> command, char* source) {
    *(command.end() - 2) = source;
    const pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command.data());
        _exit(127);
    }
    int status = 0;
    rusage used{};
    if (child < 0 || wait4(child, &status, 0, &used) < 0 || status != 0) return -1.0;
    return static_cast<double>(used.ru_maxrss) / 1024.0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) return 2;
    static char standard[] = "-std=c++20", syntax[] = "-fsyntax-only";
    std::vector<char*> command(argv + 4, argv + argc);
    command.insert(command.end(), {standard, syntax, nullptr, nullptr});
    const double base = peak(command, argv[2]);
    const double headers = peak(command, argv[3]);
    std::printf("standard headers %.1f MiB, with hass %.1f MiB, allowed above: %s MiB\n", base,
                headers, argv[1]);
    return base > 0.0 && headers > 0.0 && headers - base <= std::atof(argv[1]) ? 0 : 1;
}
