// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/escape.hpp"
#include "output/flame_bounds.hpp"
#include "output/flame_color.hpp"
#include "output/flame_graph.hpp"
#include "output/flame_label.hpp"
#include "output/flame_layout.hpp"
#include "output/flame_script.hpp"
#include "output/format.hpp"
#include "output/table.hpp"
#include "output/xml.hpp"

#include <fmt/format.h>

#include <iterator>

namespace tcpledger {
namespace {

// Pixels, where nothing else is said.
constexpr std::uint32_t kPictureWidth = 1200;
constexpr std::uint32_t kMargin = 16;
constexpr std::uint32_t kFlameWidth = kPictureWidth - 2 * kMargin;
constexpr std::uint32_t kHeaderHeight = 64;
constexpr std::uint32_t kFooterHeight = 64;
constexpr std::uint32_t kRowHeight = 18;
constexpr std::uint32_t kLeastBoxWidth = 2;
constexpr std::uint32_t kTextPadding = 4;
constexpr std::uint32_t kTextBaseline = 13;
/// Of 12 px in the widest of the usual monospaced fonts (DejaVu Sans Mono: 0.602 em).
constexpr double kColumnWidth = 7.25;
constexpr std::uint32_t kHundredths = 100;

constexpr std::string_view kStyle = R"(<style>
.live .f, .live .back, .live .seek { cursor: pointer }
.live .f:hover rect { stroke: #241a12; stroke-width: 1 }
.hit rect { fill: #e58bd8 }
.back, .seek { text-decoration: underline }
</style>
)";

/// Printed with two decimals at most, as few as it takes.
double pixels(std::uint32_t hundredths)
{
    return static_cast<double>(hundredths) / kHundredths;
}

std::string sockets(std::uint64_t count)
{
    return format_count(count) + (count == 1 ? " open suspect socket" : " open suspect sockets");
}

std::string frames_text(std::uint64_t count)
{
    return format_count(count) + (count == 1 ? " frame" : " frames");
}

/// What a box says, as visible() text.
struct BoxText {
    std::string name;
    std::string path = {};     ///< "/src/main.c:40"
    std::string location = {}; ///< "main.c:40"
};

BoxText text_of(const FlameBox& box)
{
    if (box.node == nullptr) {
        return {.name = frames_text(box.frames) + " too narrow to draw"};
    }
    if (box.node->frame == nullptr) {
        return {.name = "all open suspect sockets"};
    }
    const FlameFrame& frame = *box.node->frame;
    BoxText text{.name = visible(frame.name)};
    if (!frame.file.empty()) {
        const std::string line = frame.line > 0 ? fmt::format(":{}", frame.line) : "";
        text.path = visible(frame.file) + line;
        text.location = text.path.substr(text.path.rfind('/') + 1);
    }
    return text;
}

FlameKind kind_of(const FlameBox& box)
{
    if (box.row == 0) {
        return FlameKind::kTotal;
    }
    if (box.node == nullptr || box.node->frame->name.starts_with('[')) {
        return FlameKind::kLeftOut;
    }
    if (box.row == 1) {
        return FlameKind::kProcess;
    }
    return box.node->frame->file.empty() ? FlameKind::kLineUnknown : FlameKind::kLineKnown;
}

/// Adds the parts of the picture to one text, each on lines of its own.
class FlamePicture {
public:
    explicit FlamePicture(const FlameLayout& layout)
        : layout_(layout), root_y_(kHeaderHeight + (layout.rows - 1) * kRowHeight),
          height_(root_y_ + kRowHeight + kFooterHeight)
    {
    }

    std::string draw(const FlameTitle& title) &&
    {
        open(title);
        draw_header(title);
        add("<g stroke=\"#ffffff\" stroke-width=\"0.5\">\n");
        for (const FlameBox& box : layout_.boxes) {
            draw_box(box);
        }
        add("</g>\n");
        draw_footer();
        add("<script><![CDATA[{}]]></script>\n</svg>\n", flame_script());
        return std::move(out_);
    }

private:
    template <typename... Args> void add(fmt::format_string<Args...> format, Args&&... args)
    {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    }

    void open(const FlameTitle& title)
    {
        add("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}")"
            R"( data-column="{2}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono',)"
            " 'Liberation Mono', monospace\" font-size=\"12\" fill=\"{3}\">\n<title>{4}</title>\n",
            kPictureWidth, height_, kColumnWidth, kFlameInk, xml_text(title.title));
        add("{}<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", kStyle);
    }

    void draw_header(const FlameTitle& title)
    {
        constexpr std::size_t kTitleColumns = 84; // of 18 px, beside the controls
        constexpr auto kColumns = static_cast<std::size_t>(kFlameWidth / kColumnWidth);
        add("<text x=\"{}\" y=\"28\" font-size=\"18\" font-weight=\"bold\">{}</text>\n", kMargin,
            fitted(title.title, kTitleColumns));
        add("<text x=\"{}\" y=\"48\" fill-opacity=\"0.72\">{}</text>\n", kMargin,
            fitted(title.subtitle, kColumns));
        add(R"(<text class="back" x="{}" y="26" text-anchor="end" visibility="hidden">)"
            "reset zoom</text>\n"
            R"(<text class="seek" x="{}" y="26" text-anchor="end" visibility="hidden">)"
            "search</text>\n",
            kPictureWidth - kMargin - 70, kPictureWidth - kMargin);
    }

    static std::string fitted(std::string_view raw, std::size_t columns)
    {
        std::string out;
        append_xml_text(out, cut_to_width(visible(raw), columns));
        return out;
    }

    void draw_box(const FlameBox& box)
    {
        const BoxText text = text_of(box);
        const std::uint32_t left = kMargin * kHundredths + box.left;
        const std::uint32_t top = root_y_ - box.row * kRowHeight;
        add(R"(<g class="{}">)", box.is_all_of_parent ? "f same" : "f");
        draw_tooltip(box, text);
        add(R"(<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>)", pixels(left), top,
            pixels(box.width), kRowHeight, flame_fill(kind_of(box), text.name));
        draw_label(box, text, left, top + kTextBaseline);
        add("</g>\n");
    }

    void draw_tooltip(const FlameBox& box, const BoxText& text)
    {
        add("<title>");
        append_xml_text(out_, text.name);
        if (!text.path.empty()) {
            add("\n");
            append_xml_text(out_, text.path);
        }
        add("\n{} ({})</title>", sockets(box.weight),
            format_percent(box.weight, layout_.boxes.front().weight));
    }

    void draw_label(const FlameBox& box, const BoxText& text, std::uint32_t left,
                    std::uint32_t baseline)
    {
        const double room = pixels(box.width) - 2 * kTextPadding;
        const auto columns = room > 0 ? static_cast<std::size_t>(room / kColumnWidth) : 0;
        const std::string count = box.is_all_of_parent ? "" : format_count(box.weight);
        const FlameLabel label = fit_label(text.name, text.location, count, columns);
        if (!label.name.empty()) {
            add(R"(<text stroke="none" x="{}" y="{}">)", pixels(left + kTextPadding * kHundredths),
                baseline);
            append_xml_text(out_, label.name);
            if (!label.location.empty()) {
                add(R"(<tspan dx="{}" fill-opacity="0.72">)", 2 * kColumnWidth);
                append_xml_text(out_, label.location);
                add("</tspan>");
            }
            add("</text>");
        }
        if (label.shows_count) {
            add(R"(<text stroke="none" x="{}" y="{}" text-anchor="end">{}</text>)",
                pixels(left + box.width - kTextPadding * kHundredths), baseline, count);
        }
    }

    void draw_footer()
    {
        const std::uint32_t top = root_y_ + kRowHeight;
        add("<text class=\"detail\" x=\"{}\" y=\"{}\">{}</text>\n", kMargin, top + 20,
            "Width: open suspect sockets. From the process upwards: each function called the one "
            "above it.");
        draw_legend(top + 42);
        add("<text class=\"found\" x=\"{}\" y=\"{}\" text-anchor=\"end\"></text>\n",
            kPictureWidth - kMargin, top + 20);
    }

    void draw_legend(std::uint32_t baseline)
    {
        double x = kMargin;
        const auto entry = [&](FlameKind kind, std::string_view what) {
            add(R"(<rect x="{:.2f}" y="{}" width="11" height="11" fill="{}"/>)"
                "<text x=\"{:.2f}\" y=\"{}\">{}</text>\n",
                x, baseline - 10, flame_tones(kind).front(), x + 17, baseline, what);
            x += 17 + kColumnWidth * (static_cast<double>(what.size()) + 2);
        };
        entry(FlameKind::kProcess, "process");
        entry(FlameKind::kLineKnown, "function, line known");
        entry(FlameKind::kLineUnknown, "line unknown");
        entry(FlameKind::kLeftOut, narrow_text());
    }

    [[nodiscard]] std::string narrow_text() const
    {
        std::string text = "unknown or left out";
        const auto tell = [&text](std::uint64_t count, std::string_view what) {
            text += count > 0 ? ", " + frames_text(count) + std::string(what) : "";
        };
        if (layout_.merged_frames + layout_.missing_frames > 0) {
            text += fmt::format("; narrower than {} px", kLeastBoxWidth);
            tell(layout_.merged_frames, " drawn together");
            tell(layout_.missing_frames, " not drawn");
        }
        return text;
    }

    const FlameLayout& layout_;
    std::uint32_t root_y_;
    std::uint32_t height_;
    std::string out_;
};

} // namespace

std::string render_flame_svg(std::span<const FlameStack> stacks, const FlameTitle& title)
{
    const std::vector<FlameStack> bound = bound_stacks(stacks);
    const FlameTree tree = build_flame_tree(bound);
    const FlameLayout layout =
        lay_out(tree, kFlameWidth * kHundredths, kLeastBoxWidth * kHundredths);
    return FlamePicture(layout).draw(title);
}

} // namespace tcpledger
