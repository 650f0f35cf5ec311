# cmake -DCOMPILER=... -DSOURCE=... -DINCLUDE=... -P compiles.cmake
# SOURCE has to compile. With lines `// expect: <text>` it must not, and the compiler has to say
# every <text>.
file(STRINGS ${SOURCE} expectations REGEX "^// expect: ")
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -I${INCLUDE} ${SOURCE}
                RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT expectations)
  if(failed OR output)
    message(FATAL_ERROR "${SOURCE} has to compile without a warning:\n${output}")
  endif()
elseif(NOT failed)
  message(FATAL_ERROR "${SOURCE} compiles, but must not")
elseif(output MATCHES "fatal error:")
  message(FATAL_ERROR "${SOURCE} fails for another reason:\n${output}")
endif()
foreach(expected IN LISTS expectations)
  string(REPLACE "// expect: " "" expected "${expected}")
  string(FIND "${output}" "${expected}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "the compiler does not say \"${expected}\":\n${output}")
  endif()
endforeach()
