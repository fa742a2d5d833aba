// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/stream.hpp"

#include <cerrno>
#include <utility>

namespace tcpledger {

struct LineStream::State {
    State(int fd, LineStreamOptions chosen) : sink(fd), options(std::move(chosen)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { close(std::chrono::seconds(1)); }

    bool accept(std::string_view bytes, std::string_view end);
    bool append(std::string_view bytes, std::string_view end);
    void flush();
    [[nodiscard]] bool has_room(std::size_t more) const noexcept;
    [[nodiscard]] std::size_t waiting_bytes() const noexcept;
    [[nodiscard]] int failure_number() const noexcept;
    void resume();
    bool close(std::chrono::milliseconds limit);

    FdSink sink;
    LineStreamOptions options;
    std::unique_ptr<BackgroundWriter> writer; ///< kDrop only
    std::string pending;
    std::chrono::steady_clock::time_point last_flush{};
    std::uint64_t dropped = 0;
    std::uint64_t unmarked = 0; ///< of those dropped
    int failure = 0;            ///< errno of kWait's writes, or what a look at the reader told
    bool full = false;          ///< dropping, until resume()
    bool ended = false;
};

std::size_t LineStream::State::waiting_bytes() const noexcept
{
    return pending.size() + (writer ? writer->waiting_bytes() : 0);
}

int LineStream::State::failure_number() const noexcept
{
    return failure != 0 || !writer ? failure : writer->failure();
}

bool LineStream::State::has_room(std::size_t more) const noexcept
{
    return !writer || waiting_bytes() + more <= options.limit_bytes;
}

/// Ends the dropping once half of the limit is free. The writer frees it at any moment, so this is
/// asked once a line: no line may get through between two answers, before its marker.
void LineStream::State::resume()
{
    if (!full || !has_room(options.limit_bytes / 2)) {
        return;
    }
    full = false;
    const std::uint64_t missing = std::exchange(unmarked, 0);
    if (options.drop_marker != nullptr) {
        append(options.drop_marker(missing), "\n");
    }
}

bool LineStream::State::append(std::string_view bytes, std::string_view end)
{
    pending.append(bytes);
    pending.append(end);
    if (pending.size() >= kFlushBytes) {
        flush();
    }
    return failure_number() == 0;
}

bool LineStream::State::accept(std::string_view bytes, std::string_view end)
{
    if (ended || failure_number() != 0) {
        return false;
    }
    resume();
    if (full || !has_room(bytes.size() + end.size())) {
        full = true;
        ++dropped;
        ++unmarked;
        flush(); // what waits here must move, or nothing ever will
        return false;
    }
    return append(bytes, end);
}

void LineStream::State::flush()
{
    if (pending.empty()) {
        return;
    }
    if (writer) {
        writer->hand_over(pending);
        return;
    }
    const std::atomic<bool> never{false};
    if (failure == 0) {
        failure = sink.write_all(pending, never, [](std::size_t) {});
    }
    pending.clear();
}

bool LineStream::State::close(std::chrono::milliseconds limit)
{
    if (ended) {
        return failure_number() == 0 && waiting_bytes() == 0;
    }
    flush();
    const auto deadline = std::chrono::steady_clock::now() + limit;
    if (writer && writer->drain(limit) && full) {
        resume();
        flush();
        writer->drain(std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now()));
    }
    ended = true;
    return failure_number() == 0 && waiting_bytes() == 0;
}

Expected<LineStream> LineStream::open(int fd, LineStreamOptions options)
{
    auto state = std::make_unique<State>(fd, std::move(options));
    if (state->options.when_full == WhenFull::kDrop) {
        Expected<std::unique_ptr<BackgroundWriter>> writer = BackgroundWriter::start(fd);
        if (!writer) {
            return tl::unexpected(std::move(writer.error()));
        }
        state->writer = std::move(*writer);
    }
    return LineStream(std::move(state));
}

LineStream::LineStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineStream::LineStream(LineStream&& other) noexcept = default;
LineStream& LineStream::operator=(LineStream&& other) noexcept = default;
LineStream::~LineStream() = default;

bool LineStream::write_line(std::string_view line)
{
    return state_->accept(line, "\n");
}

bool LineStream::write(std::string_view bytes)
{
    return state_->accept(bytes, {});
}

void LineStream::flush()
{
    state_->flush();
}

void LineStream::flush_if_due(std::chrono::steady_clock::time_point now)
{
    if (now - state_->last_flush < kFlushInterval) {
        return;
    }
    state_->last_flush = now;
    state_->flush();
    if (state_->failure == 0 && state_->sink.reader_gone()) {
        state_->failure = EPIPE;
    }
}

bool LineStream::closed() const noexcept
{
    return state_->ended || state_->failure_number() != 0;
}

std::optional<Error> LineStream::error() const
{
    const int number = state_->failure_number();
    if (number == 0 || number == EPIPE || number == ECONNRESET) {
        return std::nullopt;
    }
    return Error::from_code(number, "cannot write the output");
}

std::uint64_t LineStream::dropped() const noexcept
{
    return state_->dropped;
}

bool LineStream::close(std::chrono::milliseconds limit)
{
    return state_->close(limit);
}

} // namespace tcpledger
