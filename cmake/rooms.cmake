# Rooms with walls. A room is a folder below src/ (or testing/), one static library, one namespace.
#
# add_room(<path> [FOR_SIZE] SOURCES a.cc … [TESTS a_test.cc …] [DEPS room …] [TEST_DEPS room …] [LIBS lib …])
#
# Each room has an include root of its own in the build tree that holds one symlink, lathe/<path> -> the folder.
# A room sees its own root and those of its DEPS; DEPS are private, so nothing leaks to whoever uses the room.
# LIBS are third-party libraries; their headers are as private as the DEPS.
# FOR_SIZE is for rooms that mostly wait, for a person, a model or a disk: a release compiles them for size, since the
# pages of the program that a command touches are most of the memory it takes.

function(room_target out path)
  string(REPLACE "/" "_" name "${path}")
  set(${out} "lathe_${name}" PARENT_SCOPE)
endfunction()

# In a release `target` is compiled for size.
function(compile_for_size target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${target} PROPERTIES LATHE_FOR_SIZE ON)
    target_compile_options(${target} PRIVATE -Os)
  endif()
endfunction()

function(add_room path)
  cmake_parse_arguments(ROOM "FOR_SIZE" "" "SOURCES;TESTS;DEPS;TEST_DEPS;LIBS" ${ARGN})
  room_target(target ${path})
  foreach(file ${ROOM_SOURCES} ${ROOM_TESTS})
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "room ${path}: ${file} does not exist")
    endif()
  endforeach()
  set(root "${CMAKE_BINARY_DIR}/roots/${target}")
  get_filename_component(parent "${root}/lathe/${path}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${root}/lathe/${path}" SYMBOLIC)

  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    target_include_directories(${target} PUBLIC "${root}")
    set(scope PRIVATE)
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${root}")
    set(scope INTERFACE)
  endif()
  foreach(dep ${ROOM_DEPS})
    room_target(dep_target ${dep})
    target_link_libraries(${target} ${scope} ${dep_target})
  endforeach()
  if(ROOM_LIBS)
    target_link_libraries(${target} ${scope} ${ROOM_LIBS})
  endif()
  precompiled_set(headers ${ROOM_DEPS})
  if(ROOM_SOURCES)
    if(ROOM_FOR_SIZE)
      compile_for_size(${target})
    endif()
    use_precompiled(${target} ${headers} room)
  endif()

  if(LATHE_TESTS AND ROOM_TESTS)
    add_executable(${target}_test ${ROOM_TESTS})
    target_link_libraries(${target}_test PRIVATE ${target} GTest::gtest GTest::gmock GTest::gtest_main)
    foreach(dep ${ROOM_DEPS} ${ROOM_TEST_DEPS})
      room_target(dep_target ${dep})
      target_link_libraries(${target}_test PRIVATE ${dep_target})
    endforeach()
    if(ROOM_LIBS)
      target_link_libraries(${target}_test PRIVATE ${ROOM_LIBS})
    endif()
    target_compile_definitions(${target}_test PRIVATE LATHE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                                      LATHE_BINARY_DIR="${CMAKE_BINARY_DIR}")
    use_precompiled(${target}_test ${headers} test)
    add_test(NAME ${path} COMMAND ${target}_test)
    set_tests_properties(${path} PROPERTIES TIMEOUT 120 LABELS unit)
  endif()
endfunction()
