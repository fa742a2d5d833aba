// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "expectation.hpp"

#include <sstream>
#include <utility>

namespace scenario {

namespace {

std::string endpoint_json(const char* which, const Address& address)
{
    std::ostringstream out;
    out << '"' << which << "_address\":";
    if (address.size == 0) {
        out << "null,\"" << which << "_port\":null";
    } else {
        out << json_string(address.text()) << ",\"" << which << "_port\":" << address.port();
    }
    return out.str();
}

std::string roles_json(const std::vector<Role>& roles)
{
    std::string out = "[";
    for (const Role& role : roles) {
        out += (out.size() == 1 ? "" : ",") + json_string(role);
    }
    return out + ']';
}

std::string transition_json(const ExpectedTransition& transition)
{
    std::ostringstream out;
    out << "{\"old_state\":" << json_string(transition.old_state)
        << ",\"new_state\":" << json_string(transition.new_state)
        << ",\"owner\":" << json_string(transition.owner)
        << ",\"also\":" << roles_json(transition.also)
        << ",\"stale\":" << roles_json(transition.stale)
        << ",\"at_least_ms\":" << transition.at_least_ms
        << ",\"optional\":" << (transition.optional ? "true" : "false")
        << ",\"left\":" << json_string(transition.left) << ",\"left_ms\":" << transition.left_ms
        << ",\"left_ends\":" << (transition.left_ends ? "true" : "false") << '}';
    return out.str();
}

} // namespace

ExpectedSocket::ExpectedSocket(std::string name, const SocketFacts& facts)
    : name_(std::move(name)), facts_(facts)
{
}

ExpectedSocket& ExpectedSocket::from(std::string_view state)
{
    state_ = state;
    return *this;
}

ExpectedSocket& ExpectedSocket::then(std::string_view states, const Role& owner,
                                     std::vector<Role> also)
{
    std::istringstream words{std::string(states)};
    std::string next;
    while (words >> next) {
        ExpectedTransition transition{state_, next, owner, also};
        if (next == "CLOSE" && (state_ == "FIN_WAIT2" || state_ == "CLOSING")) {
            transition.left = "TIME_WAIT";
        }
        transitions_.push_back(std::move(transition));
        state_ = next;
    }
    return *this;
}

ExpectedSocket& ExpectedSocket::maybe(std::string_view state, const Role& owner)
{
    transitions_.push_back({state_, std::string(state), owner});
    transitions_.back().optional = true;
    state_ = state;
    return *this;
}

ExpectedSocket& ExpectedSocket::after_ms(int milliseconds)
{
    transitions_.back().at_least_ms = milliseconds;
    return *this;
}

ExpectedSocket& ExpectedSocket::stale(const Role& owner)
{
    transitions_.back().stale.push_back(owner);
    return *this;
}

ExpectedSocket& ExpectedSocket::no_time_wait(int at_least_ms)
{
    transitions_.back().left = at_least_ms > 0 ? "FIN_WAIT2" : "";
    transitions_.back().left_ms = at_least_ms;
    return *this;
}

ExpectedSocket& ExpectedSocket::time_wait_ends(int at_least_ms)
{
    transitions_.back().left_ms = at_least_ms;
    transitions_.back().left_ends = true;
    return *this;
}

ExpectedSocket& ExpectedSocket::any_to_close()
{
    any_to_close_ = true;
    return *this;
}

ExpectedSocket& ExpectedSocket::nameless()
{
    facts_.cookie = 0;
    return *this;
}

std::string ExpectedSocket::json() const
{
    std::ostringstream out;
    out << "{\"name\":" << json_string(name_) << ",\"netns\":" << facts_.netns
        << ",\"family\":" << (facts_.local.text().find(':') != std::string::npos ? 6 : 4)
        << ",\"cookie\":";
    if (facts_.cookie == 0) {
        out << "null";
    } else {
        out << facts_.cookie;
    }
    out << ',' << endpoint_json("local", facts_.local) << ','
        << endpoint_json("remote", facts_.remote)
        << ",\"any_to_close\":" << (any_to_close_ ? "true" : "false") << ",\"transitions\":[";
    for (std::size_t i = 0; i < transitions_.size(); ++i) {
        out << (i == 0 ? "" : ",") << transition_json(transitions_[i]);
    }
    out << "]}";
    return out.str();
}

SocketFacts peer_of(const SocketFacts& facts)
{
    return {0, facts.netns, facts.remote, facts.local};
}

std::string json_string(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c == '\n' ? ' ' : c;
    }
    return out + '"';
}

} // namespace scenario
