// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/filter.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace tcpledger {
namespace {

/// Lays the steps down from the last to the first, so that the targets of a step are known
/// when it is made; until reversed, a target counts from the end.
class StepWriter {
public:
    /// Writes `expression` so that it goes to `on_true` or `on_false`. Returns where it begins.
    std::uint32_t write(const filter::Expression& expression, std::uint32_t on_true,
                        std::uint32_t on_false, bool negated)
    {
        if (expression.negated) {
            std::swap(on_true, on_false);
            negated = !negated;
        }
        if (expression.kind == filter::Expression::Kind::kTest) {
            steps_.push_back({expression.test, on_true, on_false, negated});
            return static_cast<std::uint32_t>(steps_.size() - 1);
        }
        const bool all = expression.kind == filter::Expression::Kind::kAllOf;
        std::uint32_t begin = all ? on_true : on_false; // of no parts at all
        for (const filter::Expression& part : expression.parts | std::views::reverse) {
            begin =
                all ? write(part, begin, on_false, negated) : write(part, on_true, begin, negated);
        }
        return begin;
    }

    std::vector<FilterStep> finish() &&
    {
        const auto last = static_cast<std::uint32_t>(steps_.size()) - 1;
        const auto from_front = [last](std::uint32_t& target) {
            if (target != kAccepted && target != kRejected) {
                target = last - target;
            }
        };
        std::ranges::reverse(steps_);
        for (FilterStep& step : steps_) {
            from_front(step.on_true);
            from_front(step.on_false);
        }
        return std::move(steps_);
    }

private:
    std::vector<FilterStep> steps_;
};

} // namespace

Filter::Filter(const filter::Expression& expression, std::optional<StateSet> states,
               std::vector<std::string> warnings)
    : states_(states), warnings_(std::move(warnings))
{
    StepWriter writer;
    writer.write(expression, kAccepted, kRejected, false);
    steps_ = std::move(writer).finish();
}

bool Filter::matches(const SocketView& socket) const
{
    if (states_ && (*states_ & set_of(socket.state)) == 0) {
        return false;
    }
    std::uint32_t at = steps_.empty() ? kAccepted : 0;
    while (at != kAccepted && at != kRejected) {
        const FilterStep& step = steps_[at];
        at = filter::matches(step.test, socket, step.negated) ? step.on_true : step.on_false;
    }
    return at == kAccepted;
}

} // namespace tcpledger
