#include "lathe/facts/file_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <optional>
#include <utility>

#include "lathe/base/unique_fd.h"
#include "lathe/base/utf8.h"
#include "lathe/facts/git_head.h"
#include "lathe/runtime/files.h"

namespace lathe::facts {
namespace {

using base::Result;

constexpr std::array kNames = {"AGENTS.override.md", "AGENTS.md"};

std::string system_name() {
  utsname name{};
  if (uname(&name) != 0) return {};
  return std::string(name.sysname) + " " + name.release + " (" + name.machine + ")";
}

std::string local_day(base::UnixMillis now) {
  const auto seconds = static_cast<std::time_t>(now / 1'000);
  std::tm day{};
  localtime_r(&seconds, &day);
  std::array<char, 16> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d", &day);
  return {text.data(), length};
}

struct Head {
  std::string text;
  bool truncated = false;
  bool was_utf8 = true;
};

/// At most `limit` bytes of a regular file; nothing when there is no such file. A pipe or device under that name is
/// not waited for.
Result<std::optional<Head>> read_head(const std::string& path, std::size_t limit) {
  Result<base::UniqueFd> opened = runtime::open_file(path, O_RDONLY | O_NONBLOCK);
  if (!opened.ok()) {
    if (opened.error().code == base::codes::kNotFound) return std::optional<Head>();
    return opened.error();
  }
  struct stat info{};
  if (fstat(opened->get(), &info) != 0) return base::errno_error(errno, path);
  if (!S_ISREG(info.st_mode)) return base::Error{.code = base::codes::kInvalid, .message = path + ": is no file"};
  std::string bytes(std::min(limit + 1, static_cast<std::size_t>(info.st_size)), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = read(opened->get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error(errno, path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  const std::string_view kept = base::utf8_prefix(bytes, limit);
  return Head{.text = base::to_utf8(kept), .truncated = have > limit, .was_utf8 = base::is_utf8(kept)};
}

/// Whether the file is a link to something outside of `top`: what a repository brings along must not name a person's
/// other files to the model.
bool leads_out(const std::string& path, const std::string& top) {
  const auto real = runtime::real_path(path);
  const auto inside = runtime::real_path(top);
  return real.ok() && inside.ok() && !(*real).starts_with(*inside == "/" ? "/" : *inside + "/");
}

Result<std::optional<Head>> read_inside(const std::string& top, const std::string& path, std::size_t limit) {
  if (!leads_out(path, top)) return read_head(path, limit);
  return base::Error{.code = base::codes::kPermission, .message = path + ": is a link that leads out of " + top};
}

/// From `root` down to `cwd`, both included.
std::vector<std::filesystem::path> folders_between(const std::string& root, const std::string& cwd) {
  std::vector<std::filesystem::path> folders{cwd};
  while (folders.back() != root) folders.push_back(folders.back().parent_path());
  std::ranges::reverse(folders);
  return folders;
}

}  // namespace

ports::ProjectDocs read_project_docs(const std::string& cwd, std::size_t max_bytes,
                                     const std::vector<std::string>& fallback) {
  std::vector<std::string> names(kNames.begin(), kNames.end());
  names.insert(names.end(), fallback.begin(), fallback.end());
  const std::string root = repository_root(cwd);
  const std::string top = root.empty() ? cwd : root;
  ports::ProjectDocs docs;
  if (max_bytes == 0) return docs;
  std::size_t left = max_bytes;
  for (const std::filesystem::path& folder : folders_between(top, cwd)) {
    for (const std::string& name : names) {
      const std::string path = (folder / name).string();
      Result<std::optional<Head>> head = read_inside(top, path, left);
      if (!head.ok()) docs.problems.push_back(head.error().message + "; it is not used");
      if (!head.ok() || !*head) continue;
      left -= std::min(left, (*head)->text.size());
      if ((*head)->truncated) docs.problems.push_back(path + ": is cut, the limit is project-docs-bytes");
      if (!(*head)->was_utf8) docs.problems.push_back(path + ": is not UTF-8; the bad bytes are replaced");
      if (!(*head)->text.empty() || (*head)->truncated) {
        docs.files.push_back({.path = path, .text = std::move((*head)->text), .truncated = (*head)->truncated});
      }
      break;
    }
  }
  return docs;
}

FileFacts::FileFacts(runtime::Pool& pool, const base::Clock& clock, FileFactsOptions options)
    : pool_(pool), clock_(clock), options_(std::move(options)) {}

runtime::Async<Result<ports::EnvironmentFacts>> FileFacts::environment(std::string cwd) {
  ports::EnvironmentFacts facts;
  facts.cwd = cwd;
  facts.os = system_name();
  facts.date = local_day(clock_.unix_now());
  facts.shell = std::filesystem::path(options_.shell).filename().string();
  const auto repository = co_await pool_.run([&cwd] {
    const std::string root = repository_root(cwd);
    return std::pair(root, root.empty() ? std::string() : git_branch(root));
  });
  facts.repository_root = repository.first;
  facts.git_branch = repository.second;
  co_return std::move(facts);
}

runtime::Async<Result<ports::ProjectDocs>> FileFacts::docs(std::string cwd, std::size_t max_bytes) {
  const std::vector<std::string> fallback = options_.docs_fallback;
  co_return co_await pool_.run([&] { return read_project_docs(cwd, max_bytes, fallback); });
}

}  // namespace lathe::facts
