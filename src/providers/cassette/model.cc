#include "lathe/providers/cassette/model.h"

#include <fmt/format.h>

#include <utility>

#include "lathe/protocol/error_codes.h"
#include "lathe/providers/cassette/difference.h"
#include "lathe/providers/cassette/shapes.h"

namespace lathe::providers::cassette {

using base::Json;
using ports::ModelFailure;
using ports::ModelResult;
using ports::ModelStream;
using runtime::Async;

namespace {

ModelFailure never(base::Error error) { return {.error = std::move(error), .retry = ports::RetryClass::kNever}; }

/// Passes a stream on and writes it down when it ends.
class RecordingStream final : public ModelStream {
 public:
  RecordingStream(Json request, std::unique_ptr<ModelStream> inner, TapeWriter& tape)
      : request_(std::move(request)), inner_(std::move(inner)), tape_(tape) {}
  ~RecordingStream() override {
    if (written_) return;
    // Nobody waits for what comes after: the person interrupted it.
    (void)write(never({.code = base::codes::kCancelled, .message = "the answer was not read to its end"}));
  }

  Async<ModelResult<std::vector<ports::ModelEvent>>> next(runtime::CancelToken cancel,
                                                          runtime::Deadline deadline) override {
    auto events = co_await inner_->next(std::move(cancel), deadline);
    base::Result<void> written;
    if (!events) {
      written = write(events.error());
    } else {
      events_.insert(events_.end(), events->begin(), events->end());
      const bool whole = !events_.empty() && std::holds_alternative<ports::Finished>(events_.back());
      if (whole) written = write(std::nullopt);
    }
    if (!written.ok()) co_return std::unexpected(never(written.error().within("cannot record")));
    co_return std::move(events);
  }

 private:
  base::Result<void> write(const std::optional<ModelFailure>& failure) {
    if (std::exchange(written_, true)) return {};
    Json entry = {{"kind", "model"}, {"request", std::move(request_)}, {"events", events_to_json(events_)}};
    if (failure) entry["failure"] = failure_to_json(*failure);
    return tape_.append(entry);
  }

  Json request_;
  std::unique_ptr<ModelStream> inner_;
  TapeWriter& tape_;
  std::vector<ports::ModelEvent> events_;
  bool written_ = false;
};

/// A recorded answer: its events at once, then the failure it ended with, if it did.
class ReplayStream final : public ModelStream {
 public:
  ReplayStream(std::vector<ports::ModelEvent> events, std::optional<ModelFailure> failure)
      : events_(std::move(events)), failure_(std::move(failure)) {}

  Async<ModelResult<std::vector<ports::ModelEvent>>> next(runtime::CancelToken cancel, runtime::Deadline) override {
    if (cancel.cancelled()) co_return std::unexpected(never(cancel.reason()));
    if (!events_.empty()) co_return std::exchange(events_, {});
    if (failure_) co_return std::unexpected(*failure_);
    co_return events_;
  }

 private:
  std::vector<ports::ModelEvent> events_;
  std::optional<ModelFailure> failure_;
};

}  // namespace

RecordingModel::RecordingModel(std::shared_ptr<ports::Model> inner, TapeWriter& tape)
    : inner_(std::move(inner)), tape_(tape) {}

Async<ModelResult<std::unique_ptr<ModelStream>>> RecordingModel::open(ports::ModelRequest request,
                                                                      runtime::CancelToken cancel) {
  // An older recording is worth more than that of a run which nobody answered.
  const bool at_once = !tape_.replaces();
  if (const auto begun = at_once ? tape_.begin() : base::Result<void>(); !begun.ok()) {
    co_return std::unexpected(never(begun.error().within("cannot record")));
  }
  Json asked = request_to_json(request);
  auto stream = co_await inner_->open(std::move(request), std::move(cancel));
  if (const auto begun = stream ? tape_.begin() : base::Result<void>(); !begun.ok()) {
    co_return std::unexpected(never(begun.error().within("cannot record")));
  }
  if (stream) co_return std::make_unique<RecordingStream>(std::move(asked), *std::move(stream), tape_);
  const auto written = tape_.append({{"kind", "model"},
                                     {"request", std::move(asked)},
                                     {"events", Json::array()},
                                     {"failure", failure_to_json(stream.error())}});
  if (!written.ok()) co_return std::unexpected(never(written.error().within("cannot record")));
  co_return std::move(stream);
}

Async<ModelResult<std::vector<ports::ModelListing>>> RecordingModel::list_models(runtime::CancelToken cancel) {
  auto models = co_await inner_->list_models(std::move(cancel));
  if (!models) co_return std::move(models);
  Json list = Json::array();
  for (const ports::ModelListing& one : *models) {
    list.push_back({{"model", one.model}, {"context_window", one.context_window}});
  }
  const auto written = tape_.append({{"kind", "models"}, {"models", std::move(list)}});
  if (!written.ok()) co_return std::unexpected(never(written.error().within("cannot record")));
  co_return std::move(models);
}

ReplayModel::ReplayModel(Tape& tape, ReplayMode mode, Places places)
    : tape_(tape), mode_(mode), places_(std::move(places)) {}

Json ReplayModel::comparable(Json request, const Places& places) const {
  if (mode_ == ReplayMode::kAll) return request;
  return normalise_strings(std::move(request), places, tape_.header().normalisers);
}

Async<ModelResult<std::unique_ptr<ModelStream>>> ReplayModel::open(ports::ModelRequest request, runtime::CancelToken) {
  const Json got = comparable(request_to_json(request), places_);
  const TapeHeader& header = tape_.header();
  const Places recorded{.cwd = header.cwd, .temp_dir = header.temp_dir};
  auto entry = tape_.take_model([&](const Json& asked) { return comparable(asked, recorded) == got; });
  if (!entry.ok()) co_return std::unexpected(never(entry.error()));
  if (const auto difference = first_difference(comparable(base::json_at(*entry, "request"), recorded), got)) {
    co_return std::unexpected(never({.code = protocol::error_codes::kCassette,
                                     .message = fmt::format("request {} differs from cassette {}: {}",
                                                            tape_.models_taken(), tape_.name(), *difference),
                                     .hint = "record it again with --record, or look for what changed"}));
  }
  auto events = events_from_json(base::json_at(*entry, "events"));
  if (!events.ok()) co_return std::unexpected(never(events.error().within(tape_.name())));
  std::optional<ModelFailure> failure;
  if (entry->contains("failure")) failure = failure_from_json((*entry)["failure"]);
  if (events->empty() && failure) co_return std::unexpected(*failure);
  co_return std::make_unique<ReplayStream>(*std::move(events), std::move(failure));
}

Async<ModelResult<std::vector<ports::ModelListing>>> ReplayModel::list_models(runtime::CancelToken) {
  std::vector<ports::ModelListing> models;
  for (const Json& one : tape_.models()) {
    models.push_back(
        {.model = base::json_string(one, "model"), .context_window = base::json_int(one, "context_window")});
  }
  co_return models;
}

}  // namespace lathe::providers::cassette
