#include "lathe/tools/shell/keeper_set.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

#include "lathe/runtime/process_context.h"

namespace lathe::tools::shell {

using base::Result;
using runtime::Async;

namespace {

constexpr std::uint64_t kMostProcesses = 4'096;
constexpr std::uint64_t kLeastFreeBytes = 128U << 20;

/// The name of a keeper whose commands are not confined.
bool is_open(std::string_view name) { return name.starts_with(Confined().key + "-"); }

}  // namespace

keeper::Limits usual_limits(std::uint64_t most_memory_bytes) {
  const auto pages = static_cast<std::uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 1L));
  const auto page = static_cast<std::uint64_t>(std::max(sysconf(_SC_PAGESIZE), 1L));
  const std::uint64_t most = pages / 4 * 3 * page;
  return {
      .processes = kMostProcesses, .memory_bytes = std::min(most_memory_bytes, most), .free_bytes = kLeastFreeBytes};
}

KeeperSet::KeeperSet(runtime::Loop& loop, KeeperOptions options) : loop_(loop), options_(std::move(options)) {
  if (!options_.context.file_mode_mask) options_.context.file_mode_mask = runtime::own_file_mode_mask();
}

/// The key, and what tells keepers of one key but another plan apart, which a later process may find.
std::string KeeperSet::name_of(const Confined& confined) const {
  std::string plan = confined.keeper_program;
  for (const std::string& word : confined.outer_argv) plan += '\0' + word;
  if (const auto& groups = options_.context.groups) {
    plan += fmt::format("\ngroups {}", groups->primary);
    for (const std::uint32_t group : groups->others) plan += fmt::format(" {}", group);
  }
  return fmt::format("{}-{:016x}", confined.key, std::hash<std::string>()(plan));
}

KeeperSet::Keeper& KeeperSet::keeper_for(const Confined& confined) {
  std::string name = name_of(confined);
  Keeper& keeper = keepers_[name];
  if (keeper.adopted && !keeper.client->is_connected()) {
    ended_.push_back(std::move(keeper.client));
    keeper = {};
  }
  if (keeper.client) return keeper;
  // What ended ones left in their folders stays theirs.
  if (!ended_.empty()) name += fmt::format(".{}", ended_.size());
  keeper::ClientOptions options{.program = confined.keeper_program.empty() ? options_.program : confined.keeper_program,
                                .outer_argv = confined.outer_argv,
                                .groups = options_.context.groups,
                                .launcher = options_.program,
                                .folder = options_.folder.empty() ? "" : options_.folder + "/" + name,
                                .linger = options_.linger};
  keeper.client = std::make_unique<keeper::Client>(loop_, std::move(options));
  return keeper;
}

Async<Result<Started>> KeeperSet::start(ports::CommandSpec spec, keeper::Command command) {
  Confined confined;
  if (options_.confine) {
    CO_TRY(confined, co_await options_.confine(spec));
    command.env = std::move(confined.env);
  } else {
    command.env = std::move(spec.env);
  }
  command.argv = std::move(spec.argv);
  command.cwd = std::move(spec.cwd);
  command.file_mode_mask = *options_.context.file_mode_mask;
  command.resource_limits = options_.context.limits;
  command.jail = confined.jail;
  if (!command.limits.processes) command.limits.processes = options_.limits.processes;
  if (!command.limits.memory_bytes) command.limits.memory_bytes = options_.limits.memory_bytes;
  if (!command.limits.free_bytes) command.limits.free_bytes = options_.limits.free_bytes;
  Keeper& keeper = keeper_for(confined);
  if (confined.proxy_port != 0 && !std::exchange(keeper.forwards, true)) {
    CO_TRY_OK(co_await keeper.client->forward(confined.proxy_port, confined.proxy_socket));
  }
  CO_TRY(auto process, keeper.client->start(std::move(command)));
  co_return Started{.client = keeper.client.get(), .process = std::move(process), .confined = !confined.jail.empty()};
}

Async<std::vector<Started>> KeeperSet::adopt() {
  std::vector<Started> found;
  std::vector<std::string> names;
  std::error_code none;
  if (!options_.folder.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder, none)) {
      names.push_back(entry.path().filename().string());
    }
  }
  for (const std::string& name : names) {
    auto client = std::make_unique<keeper::Client>(loop_, keeper::ClientOptions{.program = options_.program,
                                                                                .folder = options_.folder + "/" + name,
                                                                                .linger = options_.linger,
                                                                                .may_start = false});
    auto processes = co_await client->adopt();
    if (!processes.ok() || processes->empty()) {
      co_await client->stop();
      continue;
    }
    for (auto& process : *processes) {
      found.push_back({.client = client.get(), .process = std::move(process), .confined = !is_open(name)});
    }
    keepers_[name] = {.client = std::move(client), .adopted = true};
  }
  co_return found;
}

Async<Result<void>> KeeperSet::forward_adopted(std::uint16_t proxy_port, std::string proxy_socket) {
  for (auto& [name, keeper] : keepers_) {
    if (!keeper.adopted || is_open(name) || !keeper.client->is_connected()) continue;
    if (std::exchange(keeper.forwards, true)) continue;
    CO_TRY_OK(co_await keeper.client->forward(proxy_port, proxy_socket));
  }
  co_return Result<void>();
}

std::size_t KeeperSet::alive() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(keepers_, [](const auto& keeper) { return keeper.second.client->is_connected(); }));
}

Async<void> KeeperSet::leave(std::chrono::milliseconds linger) {
  for (auto& [key, keeper] : keepers_) co_await keeper.client->leave(linger);
  for (const auto& client : ended_) co_await client->leave(linger);
  keepers_.clear();
  ended_.clear();
}

Async<void> KeeperSet::stop() {
  for (auto& [key, keeper] : keepers_) co_await keeper.client->stop();
  for (const auto& client : ended_) co_await client->stop();
  keepers_.clear();
  ended_.clear();
  if (!options_.folder.empty()) (void)rmdir(options_.folder.c_str());
}

}  // namespace lathe::tools::shell
