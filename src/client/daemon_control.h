#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/client/transport.h"
#include "lathe/runtime/async.h"

namespace lathe::client {

/// A daemon as it says itself.
struct DaemonInfo {
  std::int64_t pid = 0;
  std::string socket;
  std::string version;
  /// What it is set to; equal settings have the same text.
  std::string settings;
  base::UnixMillis started_at = 0;
  /// False: it runs in another container or PID namespace, where its pid and socket mean nothing to us.
  bool here = true;
  friend bool operator==(const DaemonInfo&, const DaemonInfo&) = default;
};

/// A token that was given out, for lists.
struct TokenInfo {
  std::string id;
  /// "read,prompt".
  std::string scopes;
  base::UnixMillis created_at = 0;
};

/// What a daemon that ends leaves to the next one.
struct Successor {
  /// It also takes clients with a token at that TCP address ("127.0.0.1:8090"; empty: no).
  std::string listen = {};
  /// protocol::DaemonHandOverReply::state; empty: nothing.
  std::string state = {};
};

struct ConnectedDaemon {
  DaemonInfo daemon;
  std::unique_ptr<Transport> transport;
};

/// The daemon of the data root. apps/ supplies it. Loop thread.
class DaemonControl {
 public:
  virtual ~DaemonControl() = default;
  /// Nothing when none runs; `unavailable` while one is only just starting.
  virtual base::Result<std::optional<DaemonInfo>> find() = 0;
  /// A connection to the one that runs here, which is lent what belongs to this process: environment and keys. One that
  /// is starting or ending is waited for. Nothing when none runs here; `unavailable` when it takes no client.
  virtual runtime::Async<base::Result<std::optional<ConnectedDaemon>>> connect() = 0;
  /// Starts one that is independent of this process, and connects to it. One that runs already is given as it is;
  /// `locked` when that runs elsewhere.
  virtual runtime::Async<base::Result<ConnectedDaemon>> start(Successor what) = 0;
  /// As start(), for a person who wants it to run: this process lends it nothing, so that neither its keys nor its
  /// backends serve whoever comes next. `exists` when one runs that does not listen at `what.listen`; what is no
  /// address to listen at is refused before anything is started.
  virtual runtime::Async<base::Result<DaemonInfo>> launch(Successor what) = 0;
  /// Ends one that runs here, and starts one that goes on with what ran in it.
  virtual runtime::Async<base::Result<ConnectedDaemon>> restart() = 0;
  /// Is the daemon, in this process, until it is stopped or has nothing to do.
  virtual runtime::Async<base::Result<void>> run(std::string listen) = 0;
  /// Ends one that runs here, and is done when it is gone. False when none runs; `locked` when it runs elsewhere.
  virtual runtime::Async<base::Result<bool>> stop() = 0;
  /// Is done when this one, which is ending, is gone.
  virtual runtime::Async<base::Result<void>> wait_for_end(DaemonInfo daemon) = 0;
  /// Has systemd start one for the person's first client. Gives the files that it wrote.
  virtual base::Result<std::vector<std::string>> install() = 0;
  /// Gives out a token with which clients come in over TCP, and may ask what these scopes ("read,prompt,approve,admin")
  /// say. Nothing keeps the token itself.
  virtual base::Result<std::string> create_token(const std::string& scopes) = 0;
  virtual base::Result<std::vector<TokenInfo>> tokens() = 0;
  virtual base::Result<void> remove_token(const std::string& id) = 0;
  /// What a daemon that was started says, one line of JSON each.
  [[nodiscard]] virtual base::Result<std::string> log_file() const = 0;
};

}  // namespace lathe::client
