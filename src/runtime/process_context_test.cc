#include "lathe/runtime/process_context.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "lathe/base/unique_fd.h"

namespace lathe::runtime {
namespace {

using base::ResourceLimit;

TEST(ProcessContext, WhatAProcessTellsIsWhatAnotherReads) {
  const auto read = read_process_context(told_process_context());
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->file_mode_mask, own_file_mode_mask());
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const auto told = std::ranges::find(read->limits, int{RLIMIT_NOFILE}, &ResourceLimit::resource);
  ASSERT_NE(told, read->limits.end());
  EXPECT_EQ(*told, (ResourceLimit{.resource = RLIMIT_NOFILE, .soft = files.rlim_cur, .hard = files.rlim_max}));
}

TEST(ProcessContext, UnknownNamesAreLeftOutAndBrokenValuesRefused) {
  const auto read = read_process_context({"umask=077", "core=0:-", "of-the-future=1"});
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(*read, (base::ProcessContext{
                       .file_mode_mask = 077,
                       .limits = {{.resource = RLIMIT_CORE, .soft = 0, .hard = ResourceLimit::kUnlimited}}}));
  for (const char* broken : {"umask=", "umask=9", "umask=1777", "core", "core=1", "core=2:1", "nofile=-1:2"}) {
    const auto refused = read_process_context({broken});
    ASSERT_FALSE(refused.ok()) << broken;
    EXPECT_EQ(refused.error().code, base::codes::kInvalid);
    EXPECT_NE(refused.error().message.find(broken), std::string::npos);
  }
}

TEST(ProcessContext, ThePeersGroupsAreThoseOfItsProcess) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const base::UniqueFd one(ends[0]);
  const base::UniqueFd other(ends[1]);
  const auto groups = groups_of_peer(one.get());
  ASSERT_TRUE(groups.ok()) << groups.error().text();
  EXPECT_EQ(*groups, own_groups());
}

}  // namespace
}  // namespace lathe::runtime
