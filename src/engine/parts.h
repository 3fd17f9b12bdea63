#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/config/config.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/model_directory.h"
#include "lathe/ports/session_index.h"
#include "lathe/ports/session_store.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::engine {

/// What a driver is made for.
struct DriverSetup {
  std::string session_id;
  std::string cwd;
  ports::Questioner* questioner = nullptr;
  /// The models to try, in order; asked again before each Turn, because they may change.
  std::function<std::vector<ports::ResolvedModel>()> candidates;
};

/// What the engine is made of; apps/ provides it and keeps it alive longer than the engine.
struct EngineParts {
  runtime::Loop& loop;
  runtime::Pool& fs_pool;
  ports::SessionStore& sessions;
  ports::SessionIndex& index;
  ports::ModelDirectory& models;
  ports::BlobStore& blobs;
  base::Random& random;
  std::function<std::unique_ptr<ports::Driver>(const DriverSetup&)> make_driver;
  /// The system prompt of a new session; `extra` are the instructions of its configuration.
  std::function<std::string(const std::string& extra)> system_prompt;
  /// Values that no record and no client may ever see (keys of backends), as far as they are known by now.
  std::function<std::vector<std::string>()> secrets;
  config::Config config;
  std::string version;
  /// How commands are confined.
  std::string confinement;
  /// Answers come from a recording.
  bool replayed = false;
};

}  // namespace lathe::engine
