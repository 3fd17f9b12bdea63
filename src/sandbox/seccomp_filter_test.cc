#include "lathe/sandbox/seccomp_filter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

// What a filter costs. Since Linux 5.11 the kernel remembers calls that a filter allows whatever their arguments, and
// does not run it for them; it finds them as this file does. A search makes five calls for each file.

namespace lathe::sandbox {
namespace {

/// A filter run for one call.
struct Outcome {
  /// None: the program has an instruction that the kernel does not follow when it looks for calls to remember.
  std::optional<unsigned> verdict;
  /// Which arguments were looked at.
  std::set<std::size_t> arguments;
};

std::vector<sock_filter> program(FilterOptions options) {
  const auto bytes = seccomp_filter(options);
  EXPECT_TRUE(bytes.ok());
  if (!bytes.ok()) return {};
  std::vector<sock_filter> out(bytes->size() / sizeof(sock_filter));
  std::memcpy(out.data(), bytes->data(), bytes->size());
  return out;
}

/// The part of classic BPF that seccomp_is_const_allow() of the kernel follows.
Outcome run(const std::vector<sock_filter>& program, const seccomp_data& call) {
  Outcome out;
  std::uint32_t word = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    const auto jump = [&](bool taken) { at += taken ? step.jt : step.jf; };
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&word, reinterpret_cast<const char*>(&call) + step.k, sizeof word);
        if (step.k >= offsetof(seccomp_data, args)) {
          out.arguments.insert((step.k - offsetof(seccomp_data, args)) / sizeof call.args[0]);
        }
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        word &= step.k;
        break;
      case BPF_JMP | BPF_JA:
        at += step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(word == step.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(word >= step.k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(word > step.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        jump((word & step.k) != 0);
        break;
      case BPF_RET | BPF_K:
        out.verdict = step.k;
        return out;
      default:
        return out;
    }
  }
  return out;
}

seccomp_data call_of(long number) {
  seccomp_data call{};
  call.nr = static_cast<int>(number);
  call.arch = seccomp_arch_native();
  return call;
}

constexpr auto kEveryday = std::to_array<long>(
    {SYS_read,           SYS_write,       SYS_readv,      SYS_writev,     SYS_pread64,    SYS_close,
     SYS_lseek,          SYS_fstat,       SYS_newfstatat, SYS_statx,      SYS_getdents64, SYS_readlinkat,
     SYS_faccessat,      SYS_mmap,        SYS_munmap,     SYS_mprotect,   SYS_brk,        SYS_madvise,
     SYS_futex,          SYS_fcntl,       SYS_pipe2,      SYS_dup3,       SYS_ppoll,      SYS_epoll_pwait,
     SYS_clock_gettime,  SYS_sched_yield, SYS_unlinkat,   SYS_mkdirat,    SYS_renameat2,  SYS_rt_sigaction,
     SYS_rt_sigprocmask, SYS_wait4,       SYS_execve,     SYS_exit_group, SYS_getpid});

TEST(SeccompFilter, EverydayCallsAreAllowedWithoutALookAtTheirArguments) {
  for (const Sockets sockets : {Sockets::kUnixAndIp, Sockets::kNone}) {
    for (const bool without_namespaces : {false, true}) {
      const auto filter = program({.sockets = sockets, .without_namespaces = without_namespaces});
      for (const long number : kEveryday) {
        const Outcome ran = run(filter, call_of(number));
        EXPECT_EQ(ran.verdict, SECCOMP_RET_ALLOW) << "call " << number;
        EXPECT_THAT(ran.arguments, ::testing::IsEmpty()) << "call " << number;
      }
    }
  }
}

TEST(SeccompFilter, ToOpenAFileThatIsThereTakesALookAtTheFlagsOnly) {
  const auto filter = program({});
  seccomp_data call = call_of(SYS_openat);
  call.args[2] = O_RDONLY | O_CLOEXEC | O_DIRECTORY;
  // Without O_CREAT the mode is whatever a register holds.
  call.args[3] = S_ISUID | S_ISGID;
  const Outcome opened = run(filter, call);
  EXPECT_EQ(opened.verdict, SECCOMP_RET_ALLOW);
  EXPECT_THAT(opened.arguments, ::testing::ElementsAre(2));
  call.args[2] = O_CREAT | O_WRONLY;
  const Outcome made = run(filter, call);
  EXPECT_EQ(made.verdict, SECCOMP_RET_ERRNO | EPERM);
  EXPECT_THAT(made.arguments, ::testing::ElementsAre(2, 3));
}

TEST(SeccompFilter, CallsOfAnotherArchitectureEndTheProcess) {
  seccomp_data call = call_of(SYS_read);
  call.arch ^= 1U;
  EXPECT_EQ(run(program({}), call).verdict, SECCOMP_RET_KILL_PROCESS);
}

}  // namespace
}  // namespace lathe::sandbox
