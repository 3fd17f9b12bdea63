#include "lathe/tools/shell/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "lathe/base/strings.h"

namespace lathe::tools::shell {
namespace {

/// Kept as they are.
constexpr std::array<std::string_view, 24> kNames = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "HOSTNAME",
    "CC",
    "CXX",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "LD_LIBRARY_PATH",
    "MAKEFLAGS",
    "PKG_CONFIG_PATH",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "CI",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
};
/// Kept when the name begins so and does not look like a secret: locales and the settings of toolchains.
constexpr std::array<std::string_view, 11> kPrefixes = {
    "LC_", "XDG_", "CARGO_", "RUSTUP_", "GO", "JAVA_", "NODE_", "PYTHON", "CONDA_", "CCACHE_", "CMAKE_",
};
constexpr std::array<std::string_view, 9> kSecretWords = {
    "KEY", "SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "PRIVATE", "COOKIE",
};
/// No program may wait for a person or page its output.
constexpr std::array<std::string_view, 6> kFixed = {
    "TERM=dumb",       "PAGER=cat",
    "GIT_PAGER=cat",   "GIT_TERMINAL_PROMPT=0",
    "GIT_EDITOR=true", "DEBIAN_FRONTEND=noninteractive",
};

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

bool kept(std::string_view name, const EnvironmentOptions& options) {
  if (std::ranges::find(options.keep, name) != options.keep.end()) return true;
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  return !looks_secret(name) &&
         std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

bool looks_secret(std::string_view name) {
  const std::string small = base::lower(name);
  return std::ranges::any_of(kSecretWords,
                             [&](std::string_view word) { return small.find(base::lower(word)) != std::string::npos; });
}

std::vector<std::string> command_environment(const std::vector<std::string>& ours, const EnvironmentOptions& options) {
  std::vector<std::string> out;
  const auto put = [&out](std::string_view variable) {
    std::erase_if(out, [&](const std::string& old) { return name_of(old) == name_of(variable); });
    out.emplace_back(variable);
  };
  for (const std::string& variable : ours) {
    if (kept(name_of(variable), options)) put(variable);
  }
  for (const std::string_view variable : kFixed) put(variable);
  for (const std::string& variable : options.set) put(variable);
  return out;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) out.emplace_back(*variable);
  return out;
}

}  // namespace lathe::tools::shell
