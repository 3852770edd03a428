using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Chinese words (simplified). Answers are bare, as in English.</summary>
internal sealed class ChineseTongue : Tongue
{
    private static readonly string[] Shapes = ["圆形", "正方形", "三角形", "五角星", "菱形", "十字"];
    private static readonly string[] Colours = ["红色", "绿色", "蓝色", "黄色", "橙色", "紫色", "黑色", "白色"];
    private static readonly string[] Places = ["左上角", "上方", "右上角", "左边", "中间", "右边", "左下角", "下方", "右下角"];
    private static readonly string[] Comparisons = ["左边", "右边", "上面", "下面", "大", "小"];
    private static readonly string[] AnyPicture = ["图中", "图片中", "图里", "这张图片里"];
    private static readonly string[][] OneOfTwo = [["第一张图中", "第一张图片里"], ["第二张图中", "第二张图片里"]];

    private ChineseTongue()
    {
    }

    /// <summary>The one.</summary>
    public static ChineseTongue Instance { get; } = new();

    /// <inheritdoc/>
    public override IReadOnlyDictionary<Topic, string[]> Wordings => ChineseWordings.Table;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Requests { get; } = ["用一个词回答。", "请用一个词回答。", "请简短回答。"];

    /// <inheritdoc/>
    protected override string FirstPicture => "第一张图";

    /// <inheritdoc/>
    protected override string SecondPicture => "第二张图";

    /// <inheritdoc/>
    public override string Answer(Query query) => query.Reply switch
    {
        Reply.OfShape reply => Name(reply.Shape),
        Reply.OfColour reply => Name(reply.Colour),
        Reply.OfNumber reply => reply.Number.ToString(),
        Reply.OfTruth reply when AsksForExistence(query.Topic) => reply.Holds ? "有" : "没有",
        Reply.OfTruth reply => reply.Holds ? "是" : "不是",
        Reply.OfPlace reply => Places[(int)reply.Place],
        Reply.OfComparison reply => Comparisons[(int)reply.Comparison],
        Reply.OfText reply => reply.Text,
        Reply.OfPicture reply => reply.Index == 0 ? "第一张" : "第二张",
        Reply.OfNothing reply => $"没有{Noun(reply.Missing)}。",
        Reply.OfNoText => "没有文字。",
        Reply.OfScene reply => Describe(reply),
        _ => throw new ArgumentOutOfRangeException(nameof(query), query.Reply, null),
    };

    /// <summary>The word for a shape.</summary>
    public static string Name(SceneShape shape) => Shapes[(int)shape];

    /// <summary>The word for a colour.</summary>
    public static string Name(SceneColour colour) => Colours[(int)colour];

    /// <inheritdoc/>
    protected override string Noun(Mention mention) => (mention.Colour, mention.Shape) switch
    {
        ({ } colour, { } shape) => $"{Name(colour)}{Name(shape)}",
        (null, { } shape) => Name(shape),
        ({ } colour, null) => $"{Name(colour)}图形",
        _ => "图形",
    };

    /// <inheritdoc/>
    protected override string WithArticle(Mention mention) => Noun(mention);

    /// <inheritdoc/>
    protected override string Plural(Mention mention) => Noun(mention);

    /// <inheritdoc/>
    protected override string At(Place place) => Places[(int)place];

    /// <inheritdoc/>
    protected override IReadOnlyList<string> Insides(int? picture) => picture is { } index ? OneOfTwo[index] : AnyPicture;

    /// <inheritdoc/>
    protected override string ColourOf(Mention mention) => mention.Colour is { } colour ? Name(colour) : "";

    /// <summary>Chinese says "there is" to these and "it is" to other questions.</summary>
    private static bool AsksForExistence(Topic topic) =>
        topic is Topic.ThereIs or Topic.ThereIsText or Topic.AndIsThere or Topic.BothPictures;

    private static string Describe(Reply.OfScene reply)
    {
        var named = InOrder(reply.Scene)
            .Select(drawn => (reply.Places ? $"{Places[(int)PlaceRule.Nearest(reply.Scene, drawn)]}的" : "")
                + $"{Name(drawn.Colour)}{(drawn.Filled ? "" : "空心")}{Name(drawn.Shape)}")
            .ToArray();
        var objects = named.Length switch
        {
            0 => "",
            1 => named[0] + "。",
            _ => $"{string.Join('、', named[..^1])}和{named[^1]}。",
        };
        var text = reply.Scene.Text is { } word ? $"文字是“{word.Value}”。" : "";
        return objects.Length + text.Length > 0 ? objects + text : "图中什么都没有。";
    }
}
