#include "lathe/net/http_client.h"

#include <utility>

#include "lathe/net/net_thread.h"
#include "lathe/runtime/signal.h"

namespace lathe::net {

namespace {

class RunningTransfer final : public Transfer {
 public:
  RunningTransfer(std::shared_ptr<NetThread> thread, TransferId id) : thread_(std::move(thread)), id_(id) {}
  ~RunningTransfer() override { thread_->drop(id_); }
  RunningTransfer(const RunningTransfer&) = delete;
  RunningTransfer& operator=(const RunningTransfer&) = delete;

  void resume() override { thread_->resume(id_); }

 private:
  std::shared_ptr<NetThread> thread_;  // shared with the client, which may go first
  TransferId id_;
};

using Fetched = runtime::OneShot<base::Result<HttpResponse>>;

/// Collects a whole response and hands it to the loop.
class CollectingSink final : public BodySink {
 public:
  CollectingSink(runtime::Loop& loop, std::shared_ptr<Fetched> fetched, std::size_t max_body_bytes)
      : loop_(loop), fetched_(std::move(fetched)), max_body_bytes_(max_body_bytes) {}

  void on_head(const ResponseHead& head) override { response_.head = head; }

  Flow on_data(std::string_view bytes) override {
    too_large_ = bytes.size() > max_body_bytes_ - response_.body.size();
    if (too_large_) return Flow::kStop;
    response_.body.append(bytes);
    return Flow::kGoOn;
  }

  void on_end(base::Result<void> result) override {
    base::Result<HttpResponse> outcome = std::move(response_);
    if (too_large_) {
      outcome = base::Error{.code = base::codes::kLimit,
                            .message = "the response is larger than " + std::to_string(max_body_bytes_) + " bytes"};
    } else if (!result.ok()) {
      outcome = std::move(result).error();
    }
    loop_.post(
        [fetched = std::move(fetched_), outcome = std::move(outcome)]() mutable { fetched->set(std::move(outcome)); });
  }

 private:
  runtime::Loop& loop_;
  std::shared_ptr<Fetched> fetched_;  // shared with the fetch() that waits, which may give up first
  std::size_t max_body_bytes_;
  HttpResponse response_;
  bool too_large_ = false;
};

}  // namespace

std::string_view ResponseHead::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

HttpClient::HttpClient(runtime::Loop& loop) : loop_(loop), thread_(std::make_shared<NetThread>()) {}
HttpClient::~HttpClient() { thread_->stop(); }

void HttpClient::warm_up() { thread_->warm_up(); }

std::unique_ptr<Transfer> HttpClient::start(HttpRequest request, std::unique_ptr<BodySink> sink) {
  const TransferId id = thread_->start(std::move(request), std::move(sink));
  return std::make_unique<RunningTransfer>(thread_, id);
}

runtime::Async<base::Result<HttpResponse>> HttpClient::fetch(HttpRequest request, runtime::CancelToken cancel,
                                                             runtime::Deadline deadline, std::size_t max_body_bytes) {
  const auto fetched = std::make_shared<Fetched>(loop_);
  const std::unique_ptr<Transfer> transfer =
      start(std::move(request), std::make_unique<CollectingSink>(loop_, fetched, max_body_bytes));
  CO_TRY(base::Result<HttpResponse> response, co_await fetched->wait(cancel, deadline));
  co_return response;
}

}  // namespace lathe::net
