#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "lathe/base/check.h"
#include "lathe/config/config.h"
#include "lathe/runtime/files.h"

namespace lathe::config {

/// A private LATHE_HOME for one test, removed at its end.
class TestHome final {
 public:
  TestHome() {
    std::string name = (std::filesystem::temp_directory_path() / "lathe-config-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    folder_ = name;
    paths_ = *find_paths({.variables = {{"LATHE_HOME", folder_}}});
  }
  ~TestHome() { std::filesystem::remove_all(folder_); }
  TestHome(const TestHome&) = delete;
  TestHome& operator=(const TestHome&) = delete;

  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  void write_config(std::string_view text) const { write(paths_.config_file, text); }
  void write_models(std::string_view text) const { write(paths_.models_file, text); }
  [[nodiscard]] std::string config_text() const { return *runtime::read_file(paths_.config_file); }

 private:
  static void write(const std::string& file, std::string_view text) {
    CHECK(runtime::replace_file(file, text, 0600, runtime::Durability::kProcess).ok());
  }
  std::string folder_;
  Paths paths_;
};

}  // namespace lathe::config
