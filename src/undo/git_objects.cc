#include "lathe/undo/git_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/undo/file_state.h"
#include "lathe/undo/private_objects.h"

namespace lathe::undo {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr std::size_t kNameBytes = 20;
constexpr std::size_t kStatBytes = 40;
constexpr std::size_t kPadding = 8;
/// With which git ends by itself when it cannot go on.
constexpr int kDied = 128;
/// Objects that it may die of, before the rest is not asked for.
constexpr std::size_t kMostDamaged = 100;
/// Of one object's answer, besides its bytes.
constexpr std::size_t kHeadBytes = 100;
constexpr std::size_t kShownError = 300;

Error damaged() { return {.code = base::codes::kCorrupt, .message = "the repository's index is not understood"}; }

std::uint32_t big_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

/// The number of version 4 that says how much of the path before is dropped; advances `at`.
std::optional<std::size_t> take_offset(std::string_view bytes, std::size_t& at) {
  std::size_t value = 0;
  for (int digits = 0; digits < 5; ++digits) {
    if (at >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value = digits == 0 ? byte & 0x7FU : ((value + 1) << 7U) | (byte & 0x7FU);
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

struct IndexEntry {
  std::string path;
  std::string name;
  std::uint32_t mode = 0;
  /// Of a merge; 0 when there is none.
  std::uint32_t stage = 0;
};

/// The entry at `at`, which moves past it.
Result<IndexEntry> take_entry(std::string_view bytes, std::size_t& at, std::uint32_t version,
                              const std::string& path_before) {
  const std::size_t start = at;
  if (bytes.size() - at < kStatBytes + kNameBytes + 2) return damaged();
  IndexEntry entry;
  entry.mode = big_endian(bytes, at + 24, 4);
  entry.name = hex(bytes.substr(at + kStatBytes, kNameBytes));
  const std::uint32_t flags = big_endian(bytes, at + kStatBytes + kNameBytes, 2);
  entry.stage = flags >> 12U & 3U;
  const bool extended = (flags & 0x4000U) != 0 && version >= 3;
  at += kStatBytes + kNameBytes + 2 + (extended ? 2 : 0);
  if (version == 4) {
    const auto dropped = take_offset(bytes, at);
    if (!dropped || *dropped > path_before.size()) return damaged();
    entry.path = path_before.substr(0, path_before.size() - *dropped);
  }
  const std::size_t end = at <= bytes.size() ? bytes.find('\0', at) : std::string_view::npos;
  if (end == std::string_view::npos) return damaged();
  entry.path += bytes.substr(at, end - at);
  at = end + 1;
  // Older versions fill up to a multiple of eight, with one NUL byte at least.
  if (version < 4) at = start + (end - start + kPadding) / kPadding * kPadding;
  return entry;
}

std::string first_line(const std::string& file) {
  const auto text = read_regular_file(file, 1U << 16);
  return text.ok() ? std::string(base::trim(std::string_view(*text).substr(0, text->find('\n')))) : "";
}

std::string from(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

ports::JailedProgram call_for_objects(const std::string& private_folder, const std::string& objects_folder) {
  ports::JailedProgram call;
  call.argv = {"git",
               "--no-pager",
               "--no-replace-objects",
               "-c",
               "core.hooksPath=/dev/null",
               "-c",
               "core.fsmonitor=false",
               "-c",
               "protocol.allow=never",
               "cat-file",
               "--batch"};
  call.env = {"PATH=" + runtime::env("PATH"), "LC_ALL=C",
              "GIT_DIR=" + private_folder,    "GIT_CONFIG_NOSYSTEM=1",
              "GIT_CONFIG_GLOBAL=/dev/null",  "GIT_NO_LAZY_FETCH=1",
              "GIT_OPTIONAL_LOCKS=0",         "GIT_TERMINAL_PROMPT=0"};
  if (!objects_folder.empty()) {
    // Quoted as git reads it, or a colon would end the path.
    const std::string quoted = base::replace_all(base::replace_all(objects_folder, "\\", "\\\\"), "\"", "\\\"");
    call.env.push_back("GIT_ALTERNATE_OBJECT_DIRECTORIES=\"" + quoted + "\"");
  }
  call.folder = private_folder;
  call.readable = object_folders(objects_folder);
  return call;
}

/// What git said of the names that it was asked for.
struct Batch {
  std::map<std::string, std::string> objects;
  std::size_t answered = 0;
  /// It ended within an object.
  bool cut = false;
};

/// "<name> blob <size>\n<bytes>\n", or "<name> missing\n", one after the other.
Batch split_batch(std::string_view out) {
  Batch batch;
  for (; !out.empty(); ++batch.answered) {
    batch.cut = true;
    const std::size_t newline = out.find('\n');
    if (newline == std::string_view::npos) break;
    const auto words = base::split(out.substr(0, newline), ' ');
    out.remove_prefix(newline + 1);
    batch.cut = false;
    if (words.size() != 3) continue;
    std::size_t size = 0;
    const auto parsed = std::from_chars(words[2].data(), words[2].data() + words[2].size(), size);
    batch.cut = parsed.ec != std::errc() || size + 1 > out.size();
    if (batch.cut) break;
    batch.objects.emplace(words[0], out.substr(0, size));
    out.remove_prefix(size + 1);
  }
  return batch;
}

Error failed(const runtime::CommandOutput& ran) {
  return {.code = base::codes::kUnavailable,
          .message = fmt::format("git ended with {}: {}", ran.status.code,
                                 base::trim(std::string_view(ran.err).substr(0, kShownError)))};
}

}  // namespace

Result<IndexedObjects> parse_git_index(std::string_view bytes) {
  if (bytes.size() < 12 || !bytes.starts_with("DIRC")) return damaged();
  const std::uint32_t version = big_endian(bytes, 4, 4);
  if (version < 2 || version > 4) return damaged();
  const std::uint32_t count = big_endian(bytes, 8, 4);
  IndexedObjects objects;
  std::size_t at = 12;
  std::string path;
  for (std::uint32_t i = 0; i < count; ++i) {
    TRY(IndexEntry entry, take_entry(bytes, at, version, path));
    if (at > bytes.size()) return damaged();
    path = entry.path;
    const std::uint32_t type = entry.mode >> 12U;
    if (entry.stage == 0 && (type == 8 || type == 10)) objects.emplace(std::move(entry.path), std::move(entry.name));
  }
  return objects;
}

std::optional<Repository> Repository::find(const std::string& folder) {
  std::string root = folder;
  while (!runtime::path_exists(root + "/.git")) {
    const std::size_t slash = root.find_last_of('/');
    if (slash == std::string::npos || slash == 0) return std::nullopt;
    root.resize(slash);
  }
  std::string git = root + "/.git";
  // A file in other work trees and in submodules.
  constexpr std::string_view kPointer = "gitdir: ";
  if (const std::string line = first_line(git); line.starts_with(kPointer))
    git = from(root, line.substr(kPointer.size()));
  const std::string common = first_line(git + "/commondir");
  const std::string shared = common.empty() ? git : from(git, common);
  return Repository{.root = root,
                    .index_file = git + "/index",
                    .objects_folder = shared + "/objects",
                    .exclude_file = shared + "/info/exclude"};
}

Async<Result<std::map<std::string, std::string>>> read_git_objects(ports::RunJailed run_git, std::string private_folder,
                                                                   std::string objects_folder,
                                                                   std::vector<std::string> names,
                                                                   std::size_t max_bytes) {
  CO_TRY_OK(make_empty_repository(private_folder));
  std::map<std::string, std::string> objects;
  for (std::size_t damaged = 0; !names.empty() && damaged < kMostDamaged; ++damaged) {
    ports::JailedProgram call = call_for_objects(private_folder, objects_folder);
    call.input = base::join(names, "\n") + "\n";
    call.max_output_bytes = max_bytes + names.size() * kHeadBytes;
    CO_TRY(const runtime::CommandOutput ran, co_await run_git(std::move(call)));
    Batch batch = split_batch(ran.out);
    objects.merge(batch.objects);
    if (ran.status.code == 0) break;
    if (ran.status.code != kDied || !batch.cut) co_return failed(ran);
    // It died of the object that it was about to give; those behind it are asked for anew.
    const std::size_t done = std::min(batch.answered + 1, names.size());
    names.erase(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(done));
  }
  co_return objects;
}

}  // namespace lathe::undo
