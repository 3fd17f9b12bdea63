#include "lathe/facts/file_catalog.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/base/utf8.h"
#include "lathe/facts/catalog_files.h"
#include "lathe/facts/git_head.h"
#include "lathe/runtime/files.h"

namespace lathe::facts {
namespace {

namespace fs = std::filesystem;
using base::Result;
using ports::CatalogView;
using ports::SkillText;

constexpr std::size_t kMaxFileBytes = 256U << 10;
/// Of one folder, so that a strange one costs little.
constexpr std::size_t kMaxEntries = 500;
constexpr std::size_t kMaxBundledFiles = 200;

/// One place where files of a kind lie.
struct Source {
  fs::path folder;
  /// What its files must lie below once links are resolved.
  fs::path tree;
  bool of_repository = false;
};

struct Sources {
  std::vector<Source> skills;
  std::vector<Source> agents;
};

/// Nearest first.
Sources sources_of(const CatalogOptions& options, const std::string& cwd) {
  Sources sources;
  const std::string root = repository_root(cwd);
  const fs::path top = root.empty() ? cwd : root;
  for (fs::path folder = cwd;; folder = folder.parent_path()) {
    for (const char* name : {".lathe/skills", ".agents/skills", ".claude/skills"}) {
      sources.skills.push_back({.folder = folder / name, .tree = top, .of_repository = true});
    }
    sources.agents.push_back({.folder = folder / ".lathe/agents", .tree = top, .of_repository = true});
    if (folder == top || folder == folder.parent_path()) break;
  }
  const fs::path own = options.config_dir;
  sources.skills.push_back({.folder = own / "skills", .tree = own / "skills"});
  sources.agents.push_back({.folder = own / "agents", .tree = own / "agents"});
  if (!options.home.empty()) {
    for (const char* name : {".agents/skills", ".claude/skills"}) {
      sources.skills.push_back({.folder = fs::path(options.home) / name, .tree = options.home});
    }
  }
  return sources;
}

/// Names in a folder, sorted; none when it cannot be read.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (names.size() >= kMaxEntries) break;
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// The text of a regular file below `tree`; nothing when there is none of that name.
Result<std::optional<std::string>> read_below(const fs::path& file, const fs::path& tree) {
  const auto real = runtime::real_path(file.string());
  if (!real.ok()) {
    if (real.error().code == base::codes::kNotFound) return std::optional<std::string>();
    return real.error();
  }
  const auto real_tree = runtime::real_path(tree.string());
  if (!real_tree.ok() || !real->starts_with(*real_tree + "/")) {
    return base::Error{.code = base::codes::kPermission,
                       .message = fmt::format("{} is a link to {}, outside of its folder", file.string(), *real)};
  }
  TRY(const base::UniqueFd fd, runtime::open_file(*real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return base::errno_error(errno, file.string());
  if (!S_ISREG(status.st_mode)) return std::optional<std::string>();
  TRY(std::string bytes, runtime::read_all(fd.get(), kMaxFileBytes, file.string()));
  return std::optional(base::to_utf8(bytes));
}

/// What lies below the skill's folder, SKILL.md itself aside.
std::vector<std::string> bundled_files(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code failed;
  fs::recursive_directory_iterator entry(folder, failed);
  for (const fs::recursive_directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    if (files.size() >= kMaxBundledFiles) break;
    const std::string path = fs::path(entry->path()).lexically_relative(folder).string();
    std::error_code unknown;
    if (path != "SKILL.md" && entry->is_regular_file(unknown)) files.push_back(path);
  }
  std::ranges::sort(files);
  return files;
}

/// Collects what the sources offer; of two with one name the first counts.
class Collector {
 public:
  Collector(const CatalogOptions& options, LastGood& last_good) : options_(options), last_good_(last_good) {}

  void skills_of(const Source& source) {
    for (const std::string& name : names_in(source.folder)) {
      const fs::path file = source.folder / name / "SKILL.md";
      take(source, "skill", file, [&](const std::string& text) -> Result<void> {
        TRY(SkillText skill, parse_skill(text, file.string()));
        std::string key = skill.info.name;
        skills_.emplace(std::move(key), std::move(skill));
        return {};
      });
    }
  }
  void agents_of(const Source& source) {
    for (const std::string& name : names_in(source.folder)) {
      if (!name.ends_with(".md")) continue;
      const fs::path file = source.folder / name;
      take(source, "agent", file, [&](const std::string& text) -> Result<void> {
        TRY(ports::AgentDefinition agent, parse_agent(text, file.string()));
        std::string key = agent.name;
        agents_.emplace(std::move(key), std::move(agent));
        return {};
      });
    }
  }

  [[nodiscard]] CatalogView view() const {
    CatalogView view;
    for (const auto& [name, skill] : skills_) view.skills.push_back(skill.info);
    for (const auto& [name, agent] : agents_) view.agents.push_back(agent);
    view.problems = problems_;
    return view;
  }
  [[nodiscard]] const std::map<std::string, SkillText>& skills() const { return skills_; }

 private:
  template <class Use>
  void take(const Source& source, std::string_view kind, const fs::path& file, Use use) {
    const auto text = read_below(file, source.tree);
    if (!text.ok()) {
      problems_.push_back(text.error().text());
      return;
    }
    if (!*text) {
      last_good_.forget(file.string());
      return;
    }
    if (!may_use(source, kind, file, **text)) {
      const fs::path offering = source.folder.parent_path().parent_path();
      problems_.push_back(
          fmt::format("{}: this {} is not trusted yet (lathe trust {})", file.string(), kind, offering.string()));
      return;
    }
    const Result<void> used = use(**text);
    if (used.ok()) {
      last_good_.remember(file.string(), **text);
      return;
    }
    // A broken edit changes nothing.
    const std::optional<std::string> before = last_good_.text_of(file.string());
    const bool holds = before && may_use(source, kind, file, *before) && use(*before).ok();
    problems_.push_back(used.error().text() + (holds ? "; what it said before holds" : ""));
  }
  [[nodiscard]] bool may_use(const Source& source, std::string_view kind, const fs::path& file,
                             const std::string& text) const {
    return !source.of_repository || (options_.trusted && options_.trusted(kind, file.string(), text));
  }

  const CatalogOptions& options_;
  LastGood& last_good_;
  std::map<std::string, SkillText> skills_;
  std::map<std::string, ports::AgentDefinition> agents_;
  std::vector<std::string> problems_;
};

/// Blocks.
Result<SkillText> find_skill(const CatalogOptions& options, LastGood& last_good, const std::string& cwd,
                             const std::string& name) {
  Collector collector(options, last_good);
  for (const Source& source : sources_of(options, cwd).skills) collector.skills_of(source);
  const auto found = collector.skills().find(name);
  if (found != collector.skills().end()) {
    SkillText skill = found->second;
    skill.files = bundled_files(fs::path(skill.info.file).parent_path());
    return skill;
  }
  std::vector<std::string> names;
  for (const auto& [known, skill] : collector.skills()) names.push_back(known);
  std::string hint = base::did_you_mean(name, names);
  if (hint.empty()) hint = names.empty() ? "there are none" : "there are " + base::join(names, ", ");
  return base::Error{.code = base::codes::kNotFound,
                     .message = fmt::format("there is no skill \"{}\"", base::utf8_prefix(name, 80)),
                     .hint = std::move(hint)};
}

}  // namespace

FileCatalog::FileCatalog(runtime::Pool& pool, CatalogOptions options) : pool_(pool), options_(std::move(options)) {}

runtime::Async<Result<CatalogView>> FileCatalog::look(std::string cwd) {
  CatalogView view = co_await pool_.run([this, &cwd] {
    Collector collector(options_, last_good_);
    const Sources sources = sources_of(options_, cwd);
    for (const Source& source : sources.skills) collector.skills_of(source);
    for (const Source& source : sources.agents) collector.agents_of(source);
    return collector.view();
  });
  co_return std::move(view);
}

runtime::Async<Result<SkillText>> FileCatalog::read_skill(std::string cwd, std::string name) {
  Result<SkillText> skill =
      co_await pool_.run([this, &cwd, &name] { return find_skill(options_, last_good_, cwd, name); });
  co_return skill;
}

}  // namespace lathe::facts
