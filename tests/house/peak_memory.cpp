// Gate on the cost of including headers: peak_memory <allowed MiB> <compiler> <base> <headers>
// Compiles two files and fails when the second takes more than <allowed> above the first. Memory is
// repeatable where seconds are not.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

/// Peak memory in MiB of the largest process among compiler driver and compiler; below 0: failed.
double peak(const char* compiler, const char* include, const char* source) {
    const pid_t child = fork();
    if (child == 0) {
        execlp(compiler, compiler, "-std=c++20", "-fsyntax-only", include, source,
               static_cast<char*>(nullptr));
        _exit(127);
    }
    int status = 0;
    rusage used{};
    if (child < 0 || wait4(child, &status, 0, &used) < 0 || status != 0) return -1.0;
    return static_cast<double>(used.ru_maxrss) / 1024.0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    const double base = peak(argv[2], argv[3], argv[4]);
    const double headers = peak(argv[2], argv[3], argv[5]);
    std::printf("standard headers %.1f MiB, with hass %.1f MiB, allowed above: %s MiB\n", base,
                headers, argv[1]);
    return base > 0.0 && headers > 0.0 && headers - base <= std::atof(argv[1]) ? 0 : 1;
}
