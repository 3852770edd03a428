namespace LlavaCluster.Training.Questions;

/// <summary>How people ask in Chinese.</summary>
internal static class ChineseWordings
{
    /// <summary>The wordings of each topic.</summary>
    public static IReadOnlyDictionary<Topic, string[]> Table { get; } = new Dictionary<Topic, string[]>
    {
        [Topic.ShapeOfOnly] = ["{in}是什么形状？", "这是什么形状？", "{in}有什么形状？", "它是什么形状？"],
        [Topic.ShapeOfColour] = ["{in}{ac}的是什么形状？", "{in}什么形状是{ac}的？", "{in}{a}是什么形状？", "{in}{a}的形状是什么？"],
        [Topic.ShapeAtPlace] = ["{at}是什么形状？", "{at}的图形是什么形状？"],
        [Topic.ShapeOfBiggest] = ["{in}最大的图形是什么形状？", "{in}最大的是什么形状？"],
        [Topic.ColourOfOnly] = ["这是什么颜色？", "它是什么颜色？", "{in}图形是什么颜色？"],
        [Topic.ColourOfShape] = ["{in}{a}是什么颜色？", "{in}{a}的颜色是什么？", "{in}{a}是什么颜色的？"],
        [Topic.ColourAtPlace] = ["{at}的图形是什么颜色？", "{at}的图形的颜色是什么？"],
        [Topic.ColourOfBiggest] = ["{in}最大的图形是什么颜色？", "{in}最大的图形的颜色是什么？"],
        [Topic.CountAll] = ["{in}有几个图形？", "{in}有多少个图形？", "{in}一共有几个图形？", "数一数{in}有几个图形。"],
        [Topic.CountSome] = ["{in}有几个{a}？", "{in}有多少个{a}？", "数一数{in}有几个{a}。"],
        [Topic.ThereIs] = ["{in}有{a}吗？", "{in}有没有{a}？"],
        [Topic.ThereIsText] = ["{in}有文字吗？", "{in}有没有文字？", "{in}有字吗？"],
        [Topic.IsColour] = ["{in}{a}是{bc}吗？", "{in}{a}是不是{bc}？", "{in}{a}是{bc}的吗？"],
        [Topic.IsShape] = ["{in}{a}是{b}吗？", "{in}{a}是不是{b}？"],
        [Topic.PlaceOfOnly] = ["它在哪里？", "{in}图形在哪里？", "图形在什么位置？"],
        [Topic.PlaceOf] = ["{in}{a}在哪里？", "{in}{a}在什么位置？", "{in}{a}在哪儿？"],
        [Topic.PlaceOfText] = ["{in}文字在哪里？", "{in}文字在什么位置？"],
        [Topic.IsLeftOf] = ["{in}{a}在{b}的左边吗？", "{a}是不是在{b}的左边？"],
        [Topic.IsRightOf] = ["{in}{a}在{b}的右边吗？", "{a}是不是在{b}的右边？"],
        [Topic.IsAbove] = ["{in}{a}在{b}的上面吗？", "{a}是不是在{b}的上面？"],
        [Topic.IsBelow] = ["{in}{a}在{b}的下面吗？", "{a}是不是在{b}的下面？"],
        [Topic.IsBigger] = ["{in}{a}比{b}大吗？", "{a}是不是比{b}大？"],
        [Topic.IsSmaller] = ["{in}{a}比{b}小吗？", "{a}是不是比{b}小？"],
        [Topic.SideOf] = ["{in}{a}在{b}的哪一边？", "{a}在{b}的哪边？"],
        [Topic.LeftOrRight] = ["{in}{a}在{b}的左边还是右边？", "{a}是在{b}的左边还是右边？"],
        [Topic.AboveOrBelow] = ["{in}{a}在{b}的上面还是下面？", "{a}是在{b}的上面还是下面？"],
        [Topic.BiggerOrSmaller] = ["{in}{a}比{b}大还是小？", "{a}和{b}比，是大还是小？"],
        [Topic.ReadText] = ["{in}写了什么？", "{inside}的文字是什么？", "文字是什么？", "请读出{inside}的文字。", "{in}写的是什么？", "{in}有什么文字？"],
        [Topic.Describe] = ["描述一下这张图片。", "请描述这张图片。", "描述图片。", "图片里有什么？", "{in}有什么？", "你看到了什么？", "这张图片显示了什么？", "{in}能看到什么？"],
        [Topic.DescribeInDetail] = ["详细描述一下这张图片。", "请详细描述这张图片。", "{in}什么东西在哪里？"],
        [Topic.WhichPicture] = ["哪张图片有{a}，第一张还是第二张？", "哪张图里有{a}？", "{a}在哪张图片里？", "哪一张图片有{a}？"],
        [Topic.BothPictures] = ["两张图片都有{a}吗？", "两张图里都有{a}吗？"],
        [Topic.PictureWithMore] = ["哪张图片的图形更多？", "哪张图里图形更多，第一张还是第二张？"],
        [Topic.ItsColour] = ["它是什么颜色？", "是什么颜色的？", "颜色是什么？"],
        [Topic.ItsShape] = ["它是什么形状？", "是什么形状的？", "形状是什么？"],
        [Topic.ItsPlace] = ["它在哪里？", "在哪里？", "它在什么位置？"],
        [Topic.AndOther] = ["另一个呢？", "那另一个呢？", "还有一个呢？"],
        [Topic.AndThe] = ["{a}呢？", "那{a}呢？"],
        [Topic.AndHowMany] = ["{a}呢？", "那{a}有几个？"],
        [Topic.AndIsThere] = ["{a}呢？", "那{a}呢？", "有没有{a}？"],
        [Topic.OfThem] = ["其中有几个{a}？", "其中{a}有几个？", "其中几个是{ac}的？"],
        [Topic.AndOtherPicture] = ["{inside}呢？", "那{inside}呢？"],
    };
}
