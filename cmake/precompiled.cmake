# Precompiled headers. Most of a file's compile time goes to the same few headers: the standard library, JSON, and the
# protocol with its field lists. There are three sets, each for the rooms whose walls let them include all of it anyway:
#
#   standard   any room
#   protocol   rooms that may include base and protocol
#   ports      rooms that may include base, runtime, protocol and ports
#
# A file still includes what it uses: LATHE_PCH=OFF (the tsan preset) builds without them.

option(LATHE_PCH "precompile the headers that most files include" ON)

# Sets `out` to the set for a room with these DEPS.
function(precompiled_set out)
  set(${out} standard PARENT_SCOPE)
  if("base" IN_LIST ARGN AND "protocol" IN_LIST ARGN)
    set(${out} protocol PARENT_SCOPE)
    if("ports" IN_LIST ARGN AND "runtime" IN_LIST ARGN)
      set(${out} ports PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Lets `target` use the set; `kind` is "room" (a library), "program" or "test" (a program with GoogleTest). What is
# compiled for size (compile_for_size) uses headers that were, too.
function(use_precompiled target set kind)
  if(NOT LATHE_PCH)
    return()
  endif()
  get_target_property(for_size ${target} LATHE_FOR_SIZE)
  set(holder lathe_precompiled_${set}_${kind})
  if(for_size)
    string(APPEND holder _for_size)
  endif()
  if(NOT TARGET ${holder})
    set(headers "${CMAKE_SOURCE_DIR}/cmake/precompiled/${set}.h")
    set(rooms_standard "")
    set(rooms_protocol base protocol)
    set(rooms_ports base runtime protocol ports)
    if(kind STREQUAL "room")
      add_library(${holder} STATIC EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/cmake/precompiled/empty.cc")
    else()
      add_executable(${holder} EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/cmake/precompiled/program.cc")
    endif()
    if(kind STREQUAL "test")
      target_link_libraries(${holder} PRIVATE GTest::gtest GTest::gmock GTest::gtest_main)
      list(APPEND headers "${CMAKE_SOURCE_DIR}/cmake/precompiled/gtest.h")
    endif()
    target_link_libraries(${holder} PRIVATE fmt::fmt nlohmann_json::nlohmann_json)
    foreach(room ${rooms_${set}})
      target_link_libraries(${holder} PRIVATE lathe_${room})
    endforeach()
    if(for_size)
      compile_for_size(${holder})
    endif()
    target_precompile_headers(${holder} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${holder})
endfunction()
