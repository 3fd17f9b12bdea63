#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lathe/sandbox/level.h"

namespace lathe::sandbox {

enum class Holds : std::uint8_t {
  kYes,
  /// As far as `note` says.
  kPartly,
  kNo,
};

/// What one level does about one guarantee.
struct Keeping {
  Holds holds = Holds::kNo;
  /// Empty when there is nothing to add.
  std::string_view note;
};

/// One row of ARCHITECTURE 7.2, which says the same in the same words (guarantees_test.cc compares them).
struct Guarantee {
  /// Stable, for `lathe sandbox test`.
  std::string_view id;
  std::string_view text;
  Keeping full;
  Keeping namespaces;
  Keeping landlock;
};

inline constexpr std::array<Guarantee, 9> kGuarantees = {{
    {"writes",
     "writes only in the workspace, the private home and temporary folder, and named roots",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kPartly, "truncation from ABI 3; extended attributes denied by seccomp; chmod and utime reported"}},
    {"home",
     "home secrets, other sessions and Lathe's own state unreadable",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kYes, "HOME and TMPDIR name the private folders, as nothing can take the place of home and /tmp"}},
    {"secrets",
     "secret files of the workspace (`.env`, keys) masked",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kNo, "rules only add rights; file tools refuse them, commands are refused or the person waives"}},
    {"protected",
     "existing `.git` internals that execute or redirect, `.lathe`, editor tasks read-only",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kNo, "checked when a command ends, previous bytes restored, reported"}},
    {"new_names",
     "such names newly created",
     {Holds::kPartly, "quarantined when the command ends, reported"},
     {Holds::kPartly, "same"},
     {Holds::kPartly, "same"}},
    {"nested",
     "nested repositories, new virtual environments",
     {Holds::kPartly, "allowed, listed as tainted; nothing of ours runs them unjailed"},
     {Holds::kPartly, "same"},
     {Holds::kPartly, "same"}},
    {"network",
     "no network but through the proxy",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kYes, "no socket at all but pairs, by seccomp; the proxy is refused"}},
    {"processes",
     "no other process visible, no signals out, no ptrace",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kPartly, "others are visible; ptrace and their memory denied; signals out denied from ABI 6"}},
    {"kernel",
     "no new namespaces or mounts, no io_uring, bpf, userfaultfd or keys, no devices, no typing into terminals",
     {Holds::kYes, ""},
     {Holds::kYes, ""},
     {Holds::kYes, ""}},
}};

[[nodiscard]] constexpr const Keeping& keeping(const Guarantee& guarantee, Level level) {
  constexpr static Keeping kNothing{};
  switch (level) {
    case Level::kFull:
      return guarantee.full;
    case Level::kNamespaces:
      return guarantee.namespaces;
    case Level::kLandlock:
      return guarantee.landlock;
    case Level::kNone:
      return kNothing;
  }
  return kNothing;
}

}  // namespace lathe::sandbox
