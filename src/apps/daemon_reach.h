#pragma once

#include <memory>
#include <string>

#include "lathe/base/result.h"
#include "lathe/client/daemon_control.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// The daemon for a front end, started when none runs, unless the settings say `never`. One that was started with other
/// settings, or is of another version, is replaced when nobody needs it. Nothing when the front end has to work in its
/// own process: none is to be started, one runs in another container, or one with other settings is in use, which is
/// told on stderr. An error when one runs and takes no client. What it gives stays connected when one daemon takes the
/// place of another; `control` and `loop` outlive it.
runtime::Async<base::Result<std::unique_ptr<client::Transport>>> reach_daemon(runtime::Loop* loop,
                                                                              client::DaemonControl* control,
                                                                              const config::Environment* environment,
                                                                              std::string version);

}  // namespace lathe::apps
