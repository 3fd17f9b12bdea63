#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/facts/last_good.h"
#include "lathe/ports/catalog.h"
#include "lathe/runtime/pool.h"

// Where skills and agents lie, nearest first; of two with one name the nearer counts:
//
//   from the working folder up to the repository's root, in each folder
//     .lathe/skills/*/SKILL.md   .agents/skills/*/SKILL.md   .claude/skills/*/SKILL.md   .lathe/agents/*.md
//   the person's: <config folder>/skills and agents, ~/.agents/skills, ~/.claude/skills
//
// What a repository brings counts only when this very content is trusted: it becomes part of what a model is told to
// do. A file that is a link out of its folder's tree is left out.

namespace lathe::facts {

struct CatalogOptions {
  /// Holds `skills` and `agents` of the person; may be missing.
  std::string config_dir;
  /// $HOME; empty: none.
  std::string home;
  /// Whether this content of a repository's file may be used. `kind` is "skill" or "agent". Called on pool threads.
  std::function<bool(std::string_view kind, const std::string& file, std::string_view content)> trusted;
};

/// ports::Catalog from the file system, read anew each time; a file that cannot be understood any more stays what it
/// was at the last look, and is told as a problem. Files are read on the pool. Loop thread; the pool outlives it.
class FileCatalog final : public ports::Catalog {
 public:
  FileCatalog(runtime::Pool& pool, CatalogOptions options);

  runtime::Async<base::Result<ports::CatalogView>> look(std::string cwd) override;
  runtime::Async<base::Result<ports::SkillText>> read_skill(std::string cwd, std::string name) override;

 private:
  runtime::Pool& pool_;
  const CatalogOptions options_;
  LastGood last_good_;
};

}  // namespace lathe::facts
