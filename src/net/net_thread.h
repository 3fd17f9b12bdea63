#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <variant>

#include "lathe/net/curl_sockets.h"
#include "lathe/net/exchange.h"
#include "lathe/net/http_client.h"

namespace lathe::net {

using TransferId = std::uint64_t;

/// The thread "net": runs all exchanges on one libcurl multi handle. Others hand it commands through a queue and wake
/// it up; everything else in it belongs to the thread. It starts with the first command or warm_up().
class NetThread final {
 public:
  NetThread() = default;
  ~NetThread();
  NetThread(const NetThread&) = delete;
  NetThread& operator=(const NetThread&) = delete;

  void warm_up();
  TransferId start(HttpRequest request, std::unique_ptr<BodySink> sink);
  void resume(TransferId id) { send(Resume{id}); }
  void drop(TransferId id) { send(Drop{id}); }
  /// Ends every transfer with `cancelled`, then the thread; later commands are ignored. Blocks until that is done.
  void stop();

 private:
  struct Start {
    TransferId id;
    HttpRequest request;
    std::unique_ptr<BodySink> sink;
  };
  struct Resume {
    TransferId id;
  };
  struct Drop {
    TransferId id;
  };
  using Command = std::variant<Start, Resume, Drop>;

  void send(Command command);
  void ensure_thread();
  void run();
  void open_curl();
  /// Takes the commands that have come; without libcurl waits for the first. False when the thread is to end.
  bool take(std::deque<Command>& batch);
  void obey(Command& command);
  void begin(Start& start);
  void collect_finished();
  void end(TransferId id, base::Result<void> result);
  void wake();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Command> commands_;  // these: under mutex_
  std::thread thread_;
  TransferId last_id_ = 0;
  bool stopping_ = false;
  /// Of multi_, while there is one. Changed under mutex_, by the net thread.
  std::unique_ptr<CurlSockets> sockets_;

  // Net thread only.
  base::Result<const CurlApi*> curl_ = nullptr;
  CURLM* multi_ = nullptr;
  std::unordered_map<TransferId, std::unique_ptr<Exchange>> running_;
  std::unordered_map<CURL*, TransferId> ids_;
};

}  // namespace lathe::net
