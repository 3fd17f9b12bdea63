#pragma once

#include <map>
#include <string>
#include <utility>

#include "lathe/base/result.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::patch {

/// Where the paths of one patch lead. Each is looked up once, when it is first asked for, so that what is read, what is
/// decided about and what is written are one file (tools/common/links.h). A value of one call; blocks.
class Places final {
 public:
  explicit Places(std::string cwd) : cwd_(std::move(cwd)) {}

  [[nodiscard]] const std::string& cwd() const { return cwd_; }
  [[nodiscard]] base::Result<common::Place> at(const std::string& path);

 private:
  std::string cwd_;
  std::map<std::string, common::Place> known_;
};

}  // namespace lathe::tools::patch
