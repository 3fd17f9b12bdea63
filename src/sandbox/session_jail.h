#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/host_facts.h"
#include "lathe/sandbox/plan.h"
#include "lathe/sandbox/secret_search.h"
#include "lathe/sandbox/spec.h"

namespace lathe::sandbox {

/// What a session's jail is made from.
struct SessionFacts {
  Mode mode = Mode::kWorkspaceWrite;
  /// The folder to work in, and further ones that commands may write to.
  std::string workspace;
  std::vector<std::string> further_roots = {};
  /// The person's home and PATH.
  std::string home;
  std::string path_variable;
  /// Where Lathe keeps state and caches: never readable, and no place to work in.
  std::vector<std::string> our_folders = {};
  /// The person's configuration of Lathe: like those, but the person may let commands read parts of it. Made when it is
  /// missing where commands could make it.
  std::string config_folder = {};
  /// Absolute paths of the person's secrets, hidden where they lie in something readable.
  std::vector<std::string> home_secrets = {};
  /// Where private homes and temporary folders are made: <cache>/jails.
  std::string jails_folder;
  /// The session's id, for its temporary folder.
  std::string session;
  std::string keeper_program;
  /// Readable as they are named, besides the system and the toolchains: what we have commands run or read.
  std::vector<std::string> readable = {};
  /// Absolute paths that the person lets commands read (readable_roots.h); what is not there is passed over. Secrets
  /// and the sockets of the machine's servers are hidden in them as in the workspace.
  std::vector<std::string> readable_roots = {};
  /// Further changes to the environment of commands.
  std::vector<EnvironmentChange> environment = {};
  IsSecret is_secret = {};
  Network network = Network::kNone;
  Limits limits = {};
  std::optional<Level> level = std::nullopt;
  Level least_level = Level::kLandlock;
  Waiver waiver = {};
};

/// The jail of a session: its plan, its private folders, and before each command a look at what is secret now.
///
/// Everything blocks and is done by one thread at a time. The session's temporary folder goes with this object, unless
/// it is left to jobs that live on.
class SessionJail final {
 public:
  /// Makes the private folders. Errors: those of plan(), and of the folders.
  static base::Result<std::unique_ptr<SessionJail>> create(const SessionFacts& facts, const HostFacts& host);
  ~SessionJail();
  SessionJail(const SessionJail&) = delete;
  SessionJail& operator=(const SessionJail&) = delete;

  [[nodiscard]] const JailPlan& plan() const { return plan_; }
  [[nodiscard]] const SandboxSpec& spec() const { return spec_; }

  /// The jail for the next command. Secrets are hidden, and where there are mounts also unix sockets of the machine's
  /// servers: in the folders that commands write to as of now, elsewhere as of create(). Errors as with_masks(), and
  /// `limit_exceeded` of SecretSearch.
  [[nodiscard]] base::Result<CommandJail> next_command();

  /// Repositories and virtual environments within the workspace (SecretSearch::nested()): looked for now, and as the
  /// last look found them, be it for the next command.
  [[nodiscard]] base::Result<std::vector<std::string>> find_nested();
  [[nodiscard]] const std::vector<std::string>& nested() const { return secrets_.nested(); }

  void leave_temporary_folder() { leaves_temporary_folder_ = true; }

 private:
  /// Where secrets are looked for.
  struct Searched {
    /// What commands write to, and the repository around it.
    std::vector<std::string> worked_in;
    /// What the person lets them read besides.
    std::vector<std::string> read_only;
  };
  SessionJail(SandboxSpec spec, Searched searched, std::vector<Mask> fixed, const IsSecret& is_secret)
      : spec_(std::move(spec)),
        searched_(std::move(searched)),
        fixed_(std::move(fixed)),
        secrets_(is_secret),
        secrets_beside_(is_secret) {}
  static base::Result<SandboxSpec> spec_of(const SessionFacts& facts, Searched& searched);

  void hide_servers();
  base::Result<std::vector<Mask>> masks();

  SandboxSpec spec_;
  const Searched searched_;
  /// Lathe's own folders, the person's secrets and sockets of servers, as far as they lie in something readable.
  std::vector<Mask> fixed_;
  SecretSearch secrets_;
  /// Of what is only read: what is new in it is nobody's doing here.
  SecretSearch secrets_beside_;
  JailPlan plan_;
  bool leaves_temporary_folder_ = false;
};

/// What the commands of the workspace have as their home; there is one for all sessions of it.
[[nodiscard]] std::string private_home(const SessionFacts& facts);
/// Those of all workspaces, as a pattern of paths.
[[nodiscard]] std::string private_homes(const std::string& jails_folder);

/// "a1b2c3d4-lathe": one folder name for each workspace path.
[[nodiscard]] std::string project_name(const std::string& workspace);

}  // namespace lathe::sandbox
