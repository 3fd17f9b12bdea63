#include "lathe/keeper/process.h"

#include <unistd.h>

#include <algorithm>

#include "lathe/keeper/command_group.h"
#include "lathe/keeper/packet.h"

namespace lathe::keeper {
namespace {

/// The first byte that is still in the ring when so many were claimed.
std::uint64_t ring_start(std::uint64_t claimed) {
  return claimed > protocol::kRingBytes ? claimed - protocol::kRingBytes : 0;
}

/// Strings up to an empty one.
std::vector<std::string> words_at(int spool, std::uint64_t offset) {
  std::array<char, protocol::kSpoolWordsBytes> bytes{};
  const ssize_t got = pread(spool, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  const std::string_view text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  std::vector<std::string> words;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = text.find('\0', at);
    if (end == std::string_view::npos || end == at) return words;
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

Process::Process(std::uint64_t id, Command command, base::UniqueFd spool)
    : id_(id), command_(std::move(command)), spool_(std::move(spool)) {}

Process::~Process() = default;

Process::Piece Process::read(Output output, std::uint64_t from, std::size_t most) const {
  const auto stream = static_cast<int>(output);
  const std::uint64_t end = totals_[static_cast<std::size_t>(stream)];
  if (from >= protocol::kHeadBytes) from = std::max(from, ring_start(end));
  Piece piece{.bytes = {}, .from = from};
  std::uint64_t at = from;
  while (at < end && piece.bytes.size() < most) {
    const protocol::SpoolPlace place = protocol::spool_place(stream, at);
    const std::uint64_t wanted = std::min({place.room, end - at, std::uint64_t{most - piece.bytes.size()}});
    const std::size_t have = piece.bytes.size();
    piece.bytes.resize(have + wanted);
    const ssize_t got = pread(spool_.get(), piece.bytes.data() + have, wanted, static_cast<off_t>(place.offset));
    piece.bytes.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) break;
    at += static_cast<std::uint64_t>(got);
    // Behind the head the ring may go on elsewhere.
    if (at == protocol::kHeadBytes && ring_start(end) > at) break;
  }
  // What was written over while it was read is no longer what was there.
  Totals claimed{};
  (void)!pread(spool_.get(), claimed.data(), sizeof claimed, 0);
  const std::uint64_t intact = ring_start(claimed[static_cast<std::size_t>(stream)]);
  if (from >= protocol::kHeadBytes && intact > from) {
    const std::uint64_t lost = std::min<std::uint64_t>(intact - from, piece.bytes.size());
    piece.bytes.erase(0, lost);
    piece.from += lost;
  } else if (at > protocol::kHeadBytes && intact > protocol::kHeadBytes) {
    piece.bytes.resize(std::min<std::size_t>(piece.bytes.size(), protocol::kHeadBytes - from));
  }
  return piece;
}

std::shared_ptr<Process> Process::of_spool(std::uint64_t id, base::UniqueFd spool) {
  const std::vector<std::string> words = words_at(spool.get(), protocol::kSpoolNameAt);
  const std::vector<std::string> end = words_at(spool.get(), protocol::kSpoolEndAt);
  Command command;
  if (!words.empty()) command.output_kind = words[0] == "hold" ? OutputKind::kHeld : OutputKind::kKept;
  if (words.size() > 1) command.name = words[1];
  const Command told = command;
  auto process = std::make_shared<Process>(id, std::move(command), std::move(spool));
  process->started_ = true;
  process->refresh_totals();
  if (const auto exit = end.empty() || end[0] != "exit" ? std::nullopt : exit_of(end)) {
    process->end_ = *exit;
  } else if (end.size() >= 4 && end[0] == "failed") {
    process->end_ = start_error(told, end[2], static_cast<int>(number_of(end[3])), end.back());
  } else {
    process->end_ = base::Error{.code = base::codes::kUnavailable, .message = "the keeper died while the command ran"};
  }
  return process;
}

void Process::refresh_totals() {
  if (!end_) (void)!pread(spool_.get(), totals_.data(), sizeof totals_, 0);
}

void Process::finish(base::Result<Exit> end) {
  if (end_) return;
  input_ = {};
  if (group_ && end.ok() && end->ended == Ended::kExited && end->code != 0 && group_->ran_out_of_memory()) {
    end->ended = Ended::kMemory;
  }
  group_.reset();
  end_ = std::move(end);
  changed();
}

}  // namespace lathe::keeper
