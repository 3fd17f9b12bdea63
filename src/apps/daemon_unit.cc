#include "lathe/apps/daemon_unit.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "lathe/apps/daemon_start.h"
#include "lathe/runtime/files.h"

namespace lathe::apps {

using base::Result;

namespace {

/// Where Lathe's files are for the one who installs it, and so for the daemon.
constexpr std::array<const char*, 5> kPlaces = {"LATHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
                                                "XDG_RUNTIME_DIR"};

/// A value of a unit file: systemd.unit(5) on specifiers, systemd.syntax(7) on quotes.
std::string unit_value(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%') out += '%';
    out += c;
  }
  return out + "\"";
}

/// A socket's path stands without quotes, to the end of the line.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out;
}

std::string socket_unit(const std::string& socket) {
  return fmt::format(R"([Unit]
Description=Lathe, for the first client

[Socket]
ListenStream={}
SocketMode=0600
DirectoryMode=0700

[Install]
WantedBy=sockets.target
)",
                     plain(socket));
}

/// Only the daemon itself is ended with the unit: keepers see to their commands themselves.
std::string service_unit(const std::string& program, const config::Environment& environment) {
  std::string places;
  for (const char* name : kPlaces) {
    const std::string value = environment.get(name);
    if (!value.empty()) places += fmt::format("Environment={}\n", unit_value(std::string(name) + "=" + value));
  }
  return fmt::format(R"([Unit]
Description=Lathe: sessions that outlive a terminal
Requires=lathe.socket

[Service]
ExecStart={} daemon start --foreground
ExecReload=/bin/kill -HUP $MAINPID
{}KillMode=process
TimeoutStopSec=10
)",
                     unit_value(program), places);
}

}  // namespace

Result<std::vector<std::string>> write_daemon_unit(const config::Environment& environment,
                                                   const std::string& daemon_program) {
  TRY(const config::Paths paths, config::find_paths(environment));
  TRY(const std::string program, runtime::real_path(daemon_program));
  std::string folder = environment.get("XDG_CONFIG_HOME");
  if (!folder.starts_with('/')) folder = environment.get("HOME") + "/.config";
  folder += "/systemd/user";
  TRY_OK(runtime::make_folders(folder));
  std::vector<std::string> files{folder + "/lathe.socket", folder + "/lathe.service"};
  TRY_OK(runtime::replace_file(files[0], socket_unit(daemon_socket(paths)), 0644, runtime::Durability::kProcess));
  TRY_OK(runtime::replace_file(files[1], service_unit(program, environment), 0644, runtime::Durability::kProcess));
  return files;
}

}  // namespace lathe::apps
