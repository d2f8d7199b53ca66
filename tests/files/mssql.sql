USE [forum]
GO
CREATE TABLE [dbo].[Questions]([Id] [int] NOT NULL,[Title] [nvarchar](255) NULL)
GO
INSERT [dbo].[Questions] ([Id], [Title]) VALUES (1, N'Where''s the log?')
INSERT [dbo].[Questions] ([Id], [Title]) VALUES (2, N'What is DNS?')
GO
